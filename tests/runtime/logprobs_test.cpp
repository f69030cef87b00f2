#include "runtime/logprobs.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace hyprstream {
namespace {

TEST(Logprobs, AreTheLogarithmsOfTheSoftmax) {
  // exp: 1, 2, 4, 1; their sum is 8.
  const float two = std::log(2.0F);
  const std::vector<float> logits = {0, two, 2 * two, 0};
  const auto score = score_token(logits, 1, 4);
  EXPECT_EQ(score.chosen.token, 1);
  EXPECT_NEAR(score.chosen.logprob, std::log(0.25), 1e-6);
  ASSERT_EQ(score.top.size(), 4U);
  const Token order[] = {2, 1, 0, 3};  // of equal ones the lower token first
  const double shares[] = {0.5, 0.25, 0.125, 0.125};
  double sum = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(score.top[i].token, order[i]);
    EXPECT_NEAR(score.top[i].logprob, std::log(shares[i]), 1e-6);
    sum += std::exp(score.top[i].logprob);
  }
  EXPECT_NEAR(sum, 1, 1e-6);
}

TEST(Logprobs, ThoseThatAreAskedFor) {
  const std::vector<float> logits = {3, 1, 2};
  EXPECT_TRUE(score_token(logits, 0, 0).top.empty());
  const auto two = score_token(logits, 1, 2);
  ASSERT_EQ(two.top.size(), 2U);
  EXPECT_EQ(two.top[0].token, 0);
  EXPECT_EQ(two.top[1].token, 2);
  EXPECT_EQ(score_token(logits, 1, 20).top.size(), 3U);  // no more than there are
  EXPECT_FLOAT_EQ(score_token(logits, 1, 3).top[2].logprob, two.chosen.logprob);
}

TEST(Logprobs, LargeLogitsDoNotOverflow) {
  const std::vector<float> logits = {10'000, 9'999, -10'000, -INFINITY};
  const auto score = score_token(logits, 0, 4);
  EXPECT_NEAR(score.chosen.logprob, -std::log1p(std::exp(-1.0)), 1e-5);
  EXPECT_NEAR(score.top[1].logprob, score.chosen.logprob - 1, 2e-3);
  EXPECT_EQ(score.top[3].token, 3);
  EXPECT_EQ(score.top[3].logprob, -INFINITY);
}

}  // namespace
}  // namespace hyprstream
