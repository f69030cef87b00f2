// A request that fails never stops the others.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <limits>

#include "faulty_engine.hpp"
#include "service_fixture.hpp"
#include "test_engine.hpp"

namespace hyprstream {
namespace {

using namespace testing_support;
using namespace std::chrono_literals;

TEST_P(ServiceTest, AStepThatFailsFailsOnlyWhoIsToBlame) {
  constexpr Token kPoison = 3;
  const InferenceOptions options{.parallel = 6};
  start(failing_on(exact_engine(options, 0, GetParam()), kPoison), options);
  std::vector<ServingRequest> requests;
  std::vector<GenerationStream> streams;
  for (std::size_t i = 0; i < 6; ++i) {
    requests.push_back(request(prompts()[i], 20));
    ASSERT_FALSE(std::ranges::contains(requests.back().prompt, kPoison));
    if (i == 2 || i == 4) requests.back().prompt.back() = kPoison;
    if (i == 4) requests.back().choices = 3;
    streams.push_back(submit(requests.back()));
  }
  for (std::size_t i = 0; i < 6; ++i) {
    const auto read = read_all(streams[i], requests[i].choices);
    if (i == 2 || i == 4) {
      ASSERT_TRUE(read.failure);
      EXPECT_EQ(read.failure->message, "poisoned");
    } else {
      EXPECT_FALSE(read.failure);
      EXPECT_EQ(read.choices[0].tokens, alone(requests[i])) << i;
    }
  }
  const auto embedding = service_->embed({.tokens = {1, 2, kPoison}, .adapters = {}, .client = {}, .label = {}});
  ASSERT_FALSE(embedding);
  EXPECT_EQ(embedding.error().message, "poisoned");
  wait_until_idle();
  EXPECT_EQ(service_->state().kv_tokens, service_->state().cached_tokens);
}

TEST_P(ServiceTest, OneOfSeveralThatFailsEndsTheOthers) {
  constexpr Token kPoison = 3;
  const InferenceOptions options{.parallel = 4};
  start(failing_on(exact_engine(options, 0, GetParam()), kPoison), options);
  std::vector<ServingRequest> requests;
  for (std::size_t i = 0; i < 3; ++i) requests.push_back(request(prompts()[i], 900));
  requests[1].prompt.back() = kPoison;
  auto stream = service_->submit(requests);
  ASSERT_TRUE(stream);
  EXPECT_EQ(read_all(*stream, 3).failure->message, "poisoned");
  wait_until_idle();
  EXPECT_EQ(service_->state().kv_tokens, service_->state().cached_tokens);
  const auto vectors = service_->embed({{.tokens = {1, 2}, .adapters = {}, .client = {}, .label = {}},
                                        {.tokens = {1, kPoison}, .adapters = {}, .client = {}, .label = {}}});
  ASSERT_FALSE(vectors);
  EXPECT_EQ(vectors.error().message, "poisoned");
}

// A bias that forbids every token leaves the sampler nothing: the other choices of the request go with it.
TEST_P(ServiceTest, ASamplerThatCannotGoOnFailsItsRequest) {
  start({.parallel = 4});
  auto stuck = request(prompts()[0], 20);
  stuck.choices = 2;
  for (Token token = 0; token < service_->engine().model_info().vocabulary_size; ++token)
    stuck.sampling.logit_bias.push_back({token, -std::numeric_limits<float>::infinity()});
  auto fine = submit(request(prompts()[1], 20));
  EXPECT_EQ(answer(stuck).failure->code, ErrorCode::kInternal);
  EXPECT_EQ(read_all(fine).choices[0].tokens, alone(request(prompts()[1], 20)));
  wait_until_idle();
}

}  // namespace
}  // namespace hyprstream
