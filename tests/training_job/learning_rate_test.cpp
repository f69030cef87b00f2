#include "training_job/learning_rate.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace hyprstream {
namespace {

// Values of PyTorch's LambdaLR with the usual lambdas, computed by hand.
TEST(LearningRate, RisesAndFalls) {
  const LearningRate cosine{.peak = 1, .schedule = LearningRateSchedule::kCosine, .warmup = 0.2, .total_steps = 10};
  EXPECT_DOUBLE_EQ(cosine.at(0), 0.5);
  EXPECT_DOUBLE_EQ(cosine.at(1), 1);
  EXPECT_DOUBLE_EQ(cosine.at(2), 1);
  EXPECT_NEAR(cosine.at(6), 0.5, 1e-12);
  EXPECT_NEAR(cosine.at(9), 0.5 * (1 + std::cos(3.14159265358979 * 7 / 8)), 1e-12);
  const LearningRate linear{.peak = 2, .schedule = LearningRateSchedule::kLinear, .warmup = 0, .total_steps = 4};
  EXPECT_DOUBLE_EQ(linear.at(0), 2);
  EXPECT_DOUBLE_EQ(linear.at(1), 1.5);
  EXPECT_DOUBLE_EQ(linear.at(3), 0.5);
  const LearningRate constant{.peak = 3, .schedule = LearningRateSchedule::kConstant, .warmup = 0, .total_steps = 4};
  EXPECT_DOUBLE_EQ(constant.at(3), 3);
}

TEST(LearningRate, IsNeverZeroOrAboveThePeak) {
  for (const auto schedule :
       {LearningRateSchedule::kCosine, LearningRateSchedule::kLinear, LearningRateSchedule::kConstant})
    for (const double warmup : {0.0, 0.05, 0.5, 0.99})
      for (const std::size_t total : {1U, 2U, 3U, 100U}) {
        const LearningRate rate{.peak = 1, .schedule = schedule, .warmup = warmup, .total_steps = total};
        for (std::size_t step = 0; step < total; ++step) {
          EXPECT_GT(rate.at(step), 0) << step << " of " << total;
          EXPECT_LE(rate.at(step), 1) << step << " of " << total;
        }
      }
}

TEST(LearningRate, SchedulesHaveNames) {
  for (const auto schedule :
       {LearningRateSchedule::kCosine, LearningRateSchedule::kLinear, LearningRateSchedule::kConstant})
    EXPECT_EQ(parse_schedule(schedule_name(schedule)), schedule);
  EXPECT_FALSE(parse_schedule("cosin"));
}

}  // namespace
}  // namespace hyprstream
