#include "runtime/generation.hpp"

#include <gtest/gtest.h>

#include <numeric>

#include "test_engine.hpp"

namespace hyprstream {
namespace {

using namespace testing_support;

class GenerationTest : public testing::Test {
 protected:
  GenerationTest() : engine_(load(exact_options())) {}

  static GenerationRequest greedy(std::string prompt, int max_tokens) {
    GenerationRequest request;
    request.prompt = std::move(prompt);
    request.max_tokens = max_tokens;
    request.sampling.temperature = 0;
    return request;
  }

  GenerationResult generate(const GenerationRequest& request, const TokenCallback& callback = {}) {
    auto result = engine_->generate(request, callback);
    if (!result) ADD_FAILURE() << result.error().message;
    return result.value_or(GenerationResult{});
  }

  std::unique_ptr<RuntimeEngine> engine_;
};

TEST_F(GenerationTest, TheStreamIsTheText) {
  std::string streamed;
  std::vector<Token> tokens;
  const auto result = generate(greedy("The future of AI is", 30), [&](const GeneratedPiece& piece) {
    streamed += piece.text;
    if (piece.token) tokens.push_back(*piece.token);
    return StreamControl::kContinue;
  });
  EXPECT_EQ(result.tokens.size(), 30U);
  EXPECT_EQ(result.finish_reason, FinishReason::kMaxTokens);
  EXPECT_EQ(streamed, result.text);
  EXPECT_EQ(tokens, result.tokens);
  EXPECT_EQ(engine_->detokenize(result.tokens, false), result.text);
  EXPECT_EQ(result.timings.generated_tokens, 30);
  EXPECT_EQ(result.timings.prompt_tokens, static_cast<int>(tokens_of(*engine_, "The future of AI is").size()));
  EXPECT_GT(result.timings.generated_tokens_per_second(), 0);
  EXPECT_LE(result.timings.first_token_seconds, result.timings.total_seconds);
}

TEST_F(GenerationTest, EndsWhereTheModelEnds) {
  const auto result = generate(greedy(prompts().back(), 200));
  EXPECT_EQ(result.finish_reason, FinishReason::kEndOfGeneration);
  EXPECT_EQ(result.text, "A LoRA adapter is a small add-on that changes how a language model behaves.");
  for (const Token token : result.tokens) EXPECT_FALSE(engine_->is_end_of_generation(token));
  auto request = greedy(prompts().back(), 60);
  request.ignore_end_of_generation = true;
  EXPECT_EQ(generate(request).tokens.size(), 60U);
}

TEST_F(GenerationTest, StopsBeforeAStopString) {
  auto request = greedy(prompts().back(), 200);
  request.stop = {"add-on that"};  // several tokens long
  const auto result = generate(request);
  EXPECT_EQ(result.finish_reason, FinishReason::kStopString);
  EXPECT_EQ(result.text, "A LoRA adapter is a small ");
}

TEST_F(GenerationTest, TheCallbackStopsIt) {
  int calls = 0;
  const auto result = generate(greedy("Once upon a time", 50), [&](const GeneratedPiece&) {
    return ++calls == 7 ? StreamControl::kStop : StreamControl::kContinue;
  });
  EXPECT_EQ(result.finish_reason, FinishReason::kCancelled);
  EXPECT_EQ(result.tokens.size(), 7U);
}

TEST_F(GenerationTest, AnInterruptGivesTheTextSoFar) {
  const auto result = generate(greedy("Once upon a time", 50), [&](const GeneratedPiece&) {
    engine_->interrupt();
    return StreamControl::kContinue;
  });
  engine_->clear_interrupt();
  EXPECT_EQ(result.finish_reason, FinishReason::kCancelled);
  EXPECT_EQ(result.tokens.size(), 1U);
}

TEST_F(GenerationTest, EndsWhenTheContextIsFull) {
  auto options = exact_options();
  options.context_length = 256;
  const auto engine = load(options);
  auto request = greedy("Once upon a time", 1000);
  request.ignore_end_of_generation = true;
  const auto result = engine->generate(request, {});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->finish_reason, FinishReason::kContextFull);
  EXPECT_EQ(result->timings.prompt_tokens + result->timings.generated_tokens - 1, 256);
}

TEST_F(GenerationTest, SameSeedSameText) {
  auto request = greedy("Hello, I am", 40);
  request.sampling.temperature = 0.9F;
  request.sampling.seed = 7;
  const auto first = generate(request);
  EXPECT_EQ(first.seed, 7U);
  EXPECT_EQ(generate(request).tokens, first.tokens);
  request.sampling.seed = 8;
  EXPECT_NE(generate(request).tokens, first.tokens);
  request.sampling.seed.reset();
  EXPECT_NE(generate(request).seed, generate(request).seed);
}

TEST_F(GenerationTest, NamesBothLengthsOfAnOverlongPrompt) {
  GenerationRequest request;
  request.prompt_tokens.assign(1024, 5);
  const auto result = engine_->generate(request, {});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(result.error().message.find("1024 tokens"), std::string::npos) << result.error().message;
}

TEST_F(GenerationTest, RefusesWhatMakesNoSense) {
  const auto code = [this](const GenerationRequest& request) { return engine_->generate(request, {}).error().code; };
  EXPECT_EQ(code(greedy("", 5)), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(greedy("Hello", 0)), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(greedy("\xFF", 5)), ErrorCode::kInvalidArgument);
  auto empty_stop = greedy("Hello", 5);
  empty_stop.stop = {""};
  EXPECT_EQ(code(empty_stop), ErrorCode::kInvalidArgument);
}

TEST_F(GenerationTest, AChatGoesThroughTheModelsTemplate) {
  const std::vector<ChatMessage> messages = {{"user", "What is a LoRA adapter?"}};
  const auto prompt = engine_->apply_chat_template(messages, {});
  ASSERT_TRUE(prompt) << prompt.error().message;
  EXPECT_EQ(*prompt, prompts().back());
}

}  // namespace
}  // namespace hyprstream
