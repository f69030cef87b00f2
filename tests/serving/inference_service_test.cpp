// Many requests in one batch, each as if it were alone.
#include "serving/inference_service.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <thread>

#include "service_fixture.hpp"
#include "test_engine.hpp"

namespace hyprstream {
namespace {

using namespace testing_support;
using namespace std::chrono_literals;

TEST_P(ServiceTest, ABatchOfDifferentAdaptersEqualsEachAlone) {
  start({.parallel = 8});
  std::vector<ServingRequest> requests;
  for (std::size_t i = 0; i < 12; ++i) {
    auto one = request(prompts()[i % prompts().size()], 16 + static_cast<int>(i));
    one.client = "client " + std::to_string(i % 3);
    if (i % 4 != 0) one.adapters = {use(adapters_[i % 4], i % 2 == 0 ? 1 : 0.5F)};
    if (i == 11) one.adapters.push_back(use(adapters_[2]));
    requests.push_back(std::move(one));
  }
  std::vector<GenerationStream> streams;
  for (const auto& one : requests) streams.push_back(submit(one));
  for (std::size_t i = 0; i < streams.size(); ++i) {
    const auto read = read_all(streams[i]);
    EXPECT_EQ(read.choices[0].tokens, alone(requests[i])) << i;
    ASSERT_TRUE(read.usage);
    EXPECT_EQ(read.usage->prompt_tokens, std::ssize(requests[i].prompt));
  }
  wait_until_idle();
  EXPECT_EQ(observer_.ended.size(), 12U);
  EXPECT_EQ(observer_.first_tokens, 12);
  int most = 0;
  for (const auto& step : observer_.steps) most = std::max(most, step.sequences);
  EXPECT_EQ(most, 8);
}

TEST_P(ServiceTest, SamplersOfOneBatchAreTheirOwn) {
  start({.parallel = 4, .cached_sequences = 0});
  const auto sampled = [&](std::uint32_t seed) {
    auto one = request(prompts()[1], 20);
    one.sampling.temperature = 1;
    one.sampling.seed = seed;
    return one;
  };
  std::vector<GenerationStream> streams;
  for (std::uint32_t seed = 1; seed <= 4; ++seed) streams.push_back(submit(sampled(seed)));
  for (std::uint32_t seed = 1; seed <= 4; ++seed) {
    const auto read = read_all(streams[seed - 1]);
    EXPECT_EQ(read.choices[0].tokens, alone(sampled(seed))) << seed;
    EXPECT_EQ(read.choices[0].end->seed, seed);
  }
}

TEST_P(ServiceTest, SeveralChoicesComputeThePromptOnce) {
  start({.parallel = 4});
  const auto prompt = prompts()[2] + prompts()[2];  // long enough to be worth copying
  auto many = request(prompt, 20);
  many.choices = 3;
  many.sampling.temperature = 1;
  many.sampling.seed = 40;
  const auto read = answer(many);
  for (int choice = 0; choice < 3; ++choice) {
    auto one = request(prompt, 20);
    one.sampling = many.sampling;
    one.sampling.seed = 40 + static_cast<std::uint32_t>(choice);
    EXPECT_EQ(read.choices[static_cast<std::size_t>(choice)].tokens, alone(one)) << choice;
  }
  int prompt_tokens = 0;
  wait_until_idle();
  for (const auto& step : observer_.steps) prompt_tokens += step.prompt_tokens;
  // The others compute one token of it: the last, for its logits.
  EXPECT_EQ(prompt_tokens, std::ssize(many.prompt) + 2);
  EXPECT_EQ(read.usage->prompt_tokens, std::ssize(many.prompt));
  EXPECT_EQ(read.usage->cached_tokens, 0);
}

TEST_P(ServiceTest, SeveralRequestsShareOneStream) {
  start({.parallel = 4});
  std::vector<ServingRequest> requests;
  for (std::size_t i = 0; i < 3; ++i) requests.push_back(request(prompts()[i], 12 + static_cast<int>(i)));
  requests[1].choices = 2;
  requests[2].adapters = {use(adapters_[0])};
  auto stream = service_->submit(requests);
  ASSERT_TRUE(stream) << stream.error().message;
  const auto read = read_all(*stream, 4);
  EXPECT_EQ(read.choices[0].tokens, alone(requests[0]));
  EXPECT_EQ(read.choices[1].tokens, alone(requests[1]));
  EXPECT_EQ(read.choices[2].tokens, alone(requests[1]));
  EXPECT_EQ(read.choices[3].tokens, alone(requests[2]));
  ASSERT_TRUE(read.usage);
  std::size_t prompt_tokens = 0;
  for (const auto& one : requests) prompt_tokens += one.prompt.size();
  EXPECT_EQ(read.usage->prompt_tokens, static_cast<int>(prompt_tokens));
  EXPECT_EQ(read.usage->completion_tokens, 12 + 2 * 13 + 14);
  EXPECT_FALSE(service_->submit(std::vector<ServingRequest>()));
}

TEST_P(ServiceTest, WhenOneOfSeveralIsRefusedNoneRuns) {
  start({.parallel = 2});
  std::vector<ServingRequest> requests = {request(prompts()[0], 900), request(prompts()[1], 900)};
  requests[1].prompt.clear();
  const auto refused = service_->submit(requests);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  wait_until_idle();
  int decoded = 0;
  for (const auto& step : observer_.steps) decoded += step.decoded_tokens;
  EXPECT_LT(decoded, 800);
}

TEST_P(ServiceTest, AFullCachePutsTheYoungestBackAndLosesNothing) {
  if (GetParam() != KvCacheLayout::kShared) GTEST_SKIP() << "sequences with cells of their own cannot fill others'";
  start({.parallel = 4, .cached_sequences = 0}, 256);
  std::vector<ServingRequest> requests;
  std::vector<GenerationStream> streams;
  for (std::size_t i = 0; i < 4; ++i) {
    requests.push_back(request(prompts()[i], 120));
    requests.back().ignore_end_of_generation = true;
    streams.push_back(submit(requests.back()));
  }
  int prompt_tokens = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(read_all(streams[i]).choices[0].tokens, alone(requests[i])) << i;
    prompt_tokens += static_cast<int>(requests[i].prompt.size());
  }
  wait_until_idle();
  int computed = 0;
  for (const auto& step : observer_.steps) computed += step.prompt_tokens;
  EXPECT_GT(computed, prompt_tokens) << "nothing was put back: the test does not test what it says";
}

TEST_P(ServiceTest, StopsAtTheEndOfTheContext) {
  start({.parallel = 2}, 256);
  auto endless = request(prompts()[0], 100000);
  endless.ignore_end_of_generation = true;
  const auto read = answer(endless);
  EXPECT_EQ(read.choices[0].end->reason, FinishReason::kContextFull);
  EXPECT_EQ(std::ssize(endless.prompt) + std::ssize(read.choices[0].tokens), 257);
}

TEST_P(ServiceTest, ReportsWhyATextEnded) {
  start();
  auto stopped = request(prompts()[0], 40);
  const auto whole = answer(stopped);
  ASSERT_GT(whole.choices[0].text.size(), 12U);
  stopped.stop = {whole.choices[0].text.substr(8, 4)};
  const auto read = answer(stopped);
  EXPECT_EQ(read.choices[0].end->reason, FinishReason::kStopString);
  EXPECT_EQ(read.choices[0].text, whole.choices[0].text.substr(0, whole.choices[0].text.find(stopped.stop[0])));
  EXPECT_EQ(answer(request(prompts()[0], 3)).choices[0].end->reason, FinishReason::kMaxTokens);
}

TEST_P(ServiceTest, ScoresAddUpToOne) {
  start();
  auto scored = request(prompts()[0], 5);
  scored.top_logprobs = 20;
  const auto read = answer(scored);
  ASSERT_EQ(read.choices[0].scores.size(), read.choices[0].tokens.size());
  for (std::size_t i = 0; i < read.choices[0].scores.size(); ++i) {
    const auto& score = read.choices[0].scores[i];
    EXPECT_EQ(score.chosen.token, read.choices[0].tokens[i]);
    ASSERT_EQ(score.top.size(), 20U);
    EXPECT_EQ(score.top[0].token, score.chosen.token);  // greedy
    double sum = 0;
    for (const auto& [token, logprob] : score.top) sum += std::exp(static_cast<double>(logprob));
    EXPECT_LE(sum, 1 + 1e-5);
    EXPECT_GT(sum, 0.2);
  }
}

TEST_P(ServiceTest, EmbedsAsTheEngineDoesWhileOthersGenerate) {
  start({.parallel = 4});
  std::string long_text;
  for (int i = 0; i < 12; ++i) long_text += prompts()[static_cast<std::size_t>(i) % prompts().size()] + " ";
  auto running = request(prompts()[0], 60);
  running.ignore_end_of_generation = true;
  auto stream = submit(running);
  const auto tokens = tokens_of(service_->engine(), long_text);
  ASSERT_GT(tokens.size(), 64U);  // in several parts
  const auto embedding =
      service_->embed({.tokens = tokens, .adapters = {use(adapters_[1])}, .client = {}, .label = {}});
  ASSERT_TRUE(embedding) << embedding.error().message;
  EXPECT_EQ(read_all(stream).choices[0].tokens, alone(running));

  auto engine = LoraEngine::create(load(exact_options()), read_base_model(exact_options().model_path).value());
  ASSERT_TRUE(engine->set_default_adapters({{adapters_[1], 1}}));
  const auto expected = engine->embed(tokens);
  ASSERT_TRUE(expected) << expected.error().message;
  EXPECT_LT(max_difference(*embedding, *expected), 1e-4F);
}

TEST_P(ServiceTest, CancellingFreesTheSlot) {
  start({.parallel = 1});
  auto endless = request(prompts()[0], 900);
  endless.ignore_end_of_generation = true;
  auto first = submit(endless);
  ASSERT_TRUE(first.next(60s));
  auto waiting = submit(request(prompts()[1], 4));
  first.cancel();
  EXPECT_EQ(read_all(waiting).choices[0].tokens, alone(request(prompts()[1], 4)));
  const auto rest = read_all(first);
  EXPECT_EQ(rest.choices[0].end->reason, FinishReason::kCancelled);
  wait_until_idle();
  EXPECT_EQ(service_->state().running, 0);
}

TEST_P(ServiceTest, AThousandThatVanishLeaveNothingBehind) {
  start({.parallel = 4, .cached_sequences = 2});
  for (int i = 0; i < 1000; ++i) {
    auto stream = submit(request(prompts()[static_cast<std::size_t>(i) % prompts().size()], 500));
    if (i % 3 == 0) stream.next(20ms);
  }
  wait_until_idle();
  const auto state = service_->state();
  EXPECT_EQ(state.running, 0);
  EXPECT_EQ(state.waiting, 0);
  EXPECT_EQ(state.kv_tokens, state.cached_tokens);
  EXPECT_EQ(answer(request(prompts()[0], 8)).choices[0].tokens, alone(request(prompts()[0], 8)));
}

TEST_P(ServiceTest, RefusesWhatCannotBe) {
  start({.parallel = 1, .queue_length = 1024}, 256);
  const auto code = [&](const ServingRequest& bad) {
    const auto stream = service_->submit(bad);
    return stream ? std::optional<ErrorCode>() : stream.error().code;
  };
  auto bad = request(prompts()[0]);
  bad.prompt.clear();
  EXPECT_EQ(code(bad), ErrorCode::kInvalidArgument);
  bad = request(prompts()[0]);
  bad.prompt.assign(256, bad.prompt[0]);
  EXPECT_EQ(code(bad), ErrorCode::kInvalidArgument);
  bad = request(prompts()[0]);
  bad.prompt[0] = -5;
  EXPECT_EQ(code(bad), ErrorCode::kInvalidArgument);
  bad = request(prompts()[0]);
  bad.choices = 1000;
  EXPECT_EQ(code(bad), ErrorCode::kInvalidArgument);
  bad = request(prompts()[0]);
  bad.top_logprobs = 21;
  EXPECT_EQ(code(bad), ErrorCode::kInvalidArgument);
  bad = request(prompts()[0]);
  bad.stop = {""};
  EXPECT_EQ(code(bad), ErrorCode::kInvalidArgument);
  bad = request(prompts()[0]);
  bad.sampling.grammar = "root ::= (";
  EXPECT_EQ(code(bad), ErrorCode::kInvalidArgument);
  bad = request(prompts()[0]);
  bad.adapters = {use(adapters_[0], std::nanf(""))};
  EXPECT_EQ(code(bad), ErrorCode::kInvalidArgument);
}

TEST_P(ServiceTest, AFullQueueAndADrainSaySo) {
  start({.parallel = 1, .queue_length = 3});
  auto endless = request(prompts()[0], 900);
  endless.ignore_end_of_generation = true;
  auto running = submit(endless);
  ASSERT_TRUE(running.next(60s));  // it has its slot
  std::vector<GenerationStream> waiting;
  for (int i = 0; i < 3; ++i) waiting.push_back(submit(request(prompts()[1], 2)));
  EXPECT_EQ(service_->submit(request(prompts()[1], 2)).error().code, ErrorCode::kResourceExhausted);
  service_->begin_drain();
  EXPECT_EQ(service_->submit(request(prompts()[1], 2)).error().code, ErrorCode::kUnavailable);
  EXPECT_FALSE(service_->wait_until_idle(1ms));
  running.cancel();
  for (auto& stream : waiting) EXPECT_EQ(read_all(stream).choices[0].tokens.size(), 2U);
  wait_until_idle();
}

// One that leaves the queue without a turn is told apart from one that had its turn at once.
TEST_P(ServiceTest, ARequestThatNeverBeganSaysSo) {
  start({.parallel = 1});
  auto endless = request(prompts()[0], 900);
  endless.ignore_end_of_generation = true;
  auto running = submit(endless);
  ASSERT_TRUE(running.next(60s));
  auto waiting = submit(endless);
  std::this_thread::sleep_for(50ms);
  waiting.cancel();
  read_all(waiting);
  running.cancel();
  read_all(running);
  wait_until_idle();
  ASSERT_EQ(observer_.ended.size(), 2U);
  EXPECT_FALSE(observer_.ended[0].started);
  EXPECT_GE(observer_.ended[0].usage.queue_seconds, 0.04);
  EXPECT_TRUE(observer_.ended[1].started);
}

TEST_P(ServiceTest, StoppingEndsWhatIsInFlight) {
  start({.parallel = 1});
  auto endless = request(prompts()[0], 900);
  endless.ignore_end_of_generation = true;
  auto running = submit(endless);
  auto waiting = submit(endless);
  ASSERT_TRUE(running.next(60s));
  service_->stop();
  EXPECT_EQ(service_->submit(endless).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(read_all(running).failure->code, ErrorCode::kUnavailable);
  EXPECT_EQ(read_all(waiting).failure->code, ErrorCode::kUnavailable);
}

TEST_P(ServiceTest, ManyThreadsSubmitAtOnce) {
  start({.parallel = 8});
  const auto expected = alone(request(prompts()[0], 6));
  std::vector<std::jthread> clients;
  std::atomic<int> right = 0;
  for (int client = 0; client < 16; ++client)
    clients.emplace_back([&, client] {
      for (int i = 0; i < 4; ++i) {
        auto one = request(prompts()[0], 6);
        one.client = std::to_string(client);
        one.reuse_prefix = i % 2 == 0;
        auto stream = service_->submit(std::move(one));
        if (stream && read_all(*stream).choices[0].tokens == expected) ++right;
      }
    });
  clients.clear();
  EXPECT_EQ(right, 64);
}

}  // namespace
}  // namespace hyprstream
