#include "runtime/sampling.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "test_engine.hpp"

namespace hyprstream {
namespace {

using namespace testing_support;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// Sampling from made-up logits: the engine is only there for its vocabulary.
class SamplingTest : public testing::Test {
 protected:
  SamplingTest() : engine_(load(bundled_options())), logits_(2048, -10.0F) {}

  std::unique_ptr<Sampler> make(const SamplingParams& params) {
    auto sampler = engine_->make_sampler(params);
    if (!sampler) ADD_FAILURE() << sampler.error().message;
    return sampler ? std::move(*sampler) : nullptr;
  }

  std::set<Token> drawn(const SamplingParams& params, int draws) {
    std::set<Token> tokens;
    const auto sampler = make(params);
    for (int i = 0; i < draws; ++i) tokens.insert(sampler->sample(logits_).value());
    return tokens;
  }

  static SamplingParams open() { return {.temperature = 1, .top_k = 0, .top_p = 1, .min_p = 0, .seed = 1}; }

  std::unique_ptr<RuntimeEngine> engine_;
  std::vector<float> logits_;
};

TEST_F(SamplingTest, TemperatureZeroTakesTheFirstOfTheLargest) {
  logits_[700] = logits_[1500] = 3;
  EXPECT_EQ(make({.temperature = 0})->sample(logits_).value(), 700);
  logits_[2047] = 4;
  EXPECT_EQ(make({.temperature = 0})->sample(logits_).value(), 2047);
  logits_[0] = kNan;
  EXPECT_EQ(make({.temperature = 0})->sample(logits_).value(), 2047);
}

TEST_F(SamplingTest, LogitsThatAreNoNumbersAreAnError) {
  std::ranges::fill(logits_, kNan);
  EXPECT_EQ(make({.temperature = 0})->sample(logits_).error().code, ErrorCode::kInternal);
}

TEST_F(SamplingTest, FrequenciesFollowTheSoftmax) {
  logits_[10] = std::log(3.0F) + 20;
  logits_[20] = 20;
  const auto sampler = make(open());
  int tens = 0;
  constexpr int kDraws = 4000;
  for (int i = 0; i < kDraws; ++i) tens += sampler->sample(logits_).value() == 10 ? 1 : 0;
  // Binomial with p = 3/4: five standard deviations are 137.
  EXPECT_NEAR(tens, kDraws * 3 / 4, 137);
}

TEST_F(SamplingTest, EachFilterKeepsWhatItSays) {
  logits_[1] = std::log(0.5F) + 30;
  logits_[2] = std::log(0.3F) + 30;
  logits_[3] = std::log(0.15F) + 30;
  logits_[4] = std::log(0.05F) + 30;
  EXPECT_EQ(drawn(open(), 400), (std::set<Token>{1, 2, 3, 4}));
  auto params = open();
  params.top_k = 3;
  EXPECT_EQ(drawn(params, 400), (std::set<Token>{1, 2, 3}));
  params = open();
  params.top_p = 0.7F;
  EXPECT_EQ(drawn(params, 400), (std::set<Token>{1, 2}));
  params = open();
  params.min_p = 0.2F;  // of the best: at least 0.1
  EXPECT_EQ(drawn(params, 400), (std::set<Token>{1, 2, 3}));
  params = open();
  params.logit_bias = {{.token = 1, .bias = -INFINITY}, {.token = 9, .bias = 45}};
  EXPECT_EQ(drawn(params, 50), (std::set<Token>{9}));
}

TEST_F(SamplingTest, PenaltiesLookAtPromptAndText) {
  logits_[1] = 5;
  logits_[2] = 4.5F;
  SamplingParams params{.temperature = 0, .presence_penalty = 1.0F};
  auto sampler = make(params);
  EXPECT_EQ(sampler->sample(logits_).value(), 1);
  EXPECT_EQ(sampler->sample(logits_).value(), 2);  // 1 has been seen
  sampler = make(params);
  sampler->accept_prompt(1);
  EXPECT_EQ(sampler->sample(logits_).value(), 2);
  params = {.temperature = 0, .repetition_penalty = 2.0F};
  sampler = make(params);
  sampler->accept_prompt(1);
  EXPECT_EQ(sampler->sample(logits_).value(), 2);
  params = {.temperature = 0, .frequency_penalty = 0.2F};
  sampler = make(params);
  EXPECT_EQ(sampler->sample(logits_).value(), 1);
  EXPECT_EQ(sampler->sample(logits_).value(), 1);
  EXPECT_EQ(sampler->sample(logits_).value(), 1);
  EXPECT_EQ(sampler->sample(logits_).value(), 2);  // 5 - 3 * 0.2 < 4.5
}

TEST_F(SamplingTest, AGrammarAllowsOnlyItsTexts) {
  GenerationRequest request;
  request.prompt = "Why is the sky blue?";
  request.sampling.temperature = 1.5F;
  request.sampling.grammar = "root ::= (\"yes\" | \"no\") \", \" [0-9] [0-9]";
  std::set<std::string> texts;
  for (std::uint32_t seed = 0; seed < 12; ++seed) {
    request.sampling.seed = seed;
    const auto result = engine_->generate(request, {});
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_EQ(result->finish_reason, FinishReason::kEndOfGeneration);
    const auto comma = result->text.find(", ");
    ASSERT_NE(comma, std::string::npos) << result->text;
    EXPECT_TRUE(result->text.substr(0, comma) == "yes" || result->text.substr(0, comma) == "no") << result->text;
    EXPECT_EQ(result->text.size(), comma + 4) << result->text;
    texts.insert(result->text);
  }
  EXPECT_GT(texts.size(), 3U);
}

TEST_F(SamplingTest, RefusesParametersOutOfRange) {
  const auto message = [this](const SamplingParams& params) {
    auto sampler = engine_->make_sampler(params);
    EXPECT_FALSE(sampler);
    if (sampler) return std::string();
    EXPECT_EQ(sampler.error().code, ErrorCode::kInvalidArgument);
    return sampler.error().message;
  };
  EXPECT_EQ(message({.temperature = -0.1F}).substr(0, 11), "temperature");
  EXPECT_EQ(message({.temperature = kNan}).substr(0, 11), "temperature");
  EXPECT_EQ(message({.top_k = -1}).substr(0, 5), "top_k");
  EXPECT_EQ(message({.top_p = 0}).substr(0, 5), "top_p");
  EXPECT_EQ(message({.top_p = 1.1F}).substr(0, 5), "top_p");
  EXPECT_EQ(message({.min_p = -1}).substr(0, 5), "min_p");
  EXPECT_EQ(message({.repetition_penalty = 0}).substr(0, 18), "repetition_penalty");
  EXPECT_EQ(message({.frequency_penalty = kNan}).substr(0, 17), "frequency_penalty");
  EXPECT_EQ(message({.presence_penalty = INFINITY}).substr(0, 16), "presence_penalty");
  EXPECT_EQ(message({.penalty_last_n = -2}).substr(0, 14), "penalty_last_n");
  EXPECT_EQ(message({.logit_bias = {{.token = 5, .bias = kNan}}}).substr(0, 10), "logit_bias");
  EXPECT_EQ(message({.logit_bias = {{.token = 2048, .bias = 1}}}).substr(0, 10), "logit_bias");
  EXPECT_NE(message({.grammar = "root ::= ("}).find("grammar"), std::string::npos);
  EXPECT_NE(message({.grammar = "other ::= \"x\""}).find("grammar"), std::string::npos);
}

}  // namespace
}  // namespace hyprstream
