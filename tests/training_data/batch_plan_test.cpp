#include "training_data/batch_plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

namespace hyprstream {
namespace {

std::vector<std::size_t> flat(const MicroBatches& batches) {
  std::vector<std::size_t> all;
  for (const auto& batch : batches) all.append_range(batch);
  return all;
}

TEST(ShuffledPlaces, AreThoseOfAnotherImplementation) {
  // Computed in Python from the papers: SplitMix64, and Fisher and Yates from the back.
  EXPECT_EQ(shuffled_places(10, 0), (std::vector<std::size_t>{6, 3, 2, 9, 8, 1, 4, 7, 0, 5}));
  EXPECT_EQ(shuffled_places(7, 42), (std::vector<std::size_t>{2, 4, 6, 0, 3, 1, 5}));
}

TEST(ShuffledPlaces, HoldEachPlaceOnce) {
  auto places = shuffled_places(1000, 7);
  std::ranges::sort(places);
  std::vector<std::size_t> all(1000);
  std::iota(all.begin(), all.end(), std::size_t{0});
  EXPECT_EQ(places, all);
}

TEST(BatchPlan, EachEpochShowsEveryExampleOnceInAnOrderOfItsOwn) {
  BatchPlan plan(std::vector<std::size_t>(10, 5), {.batch_size = 2, .accumulation_steps = 2, .seed = 3});
  ASSERT_EQ(plan.steps_per_epoch(), 3U);
  std::set<std::vector<std::size_t>> orders;
  for (std::size_t epoch = 0; epoch < 4; ++epoch) {
    std::vector<std::size_t> seen;
    for (std::size_t step = 0; step < 3; ++step) seen.append_range(flat(plan.at(epoch * 3 + step)));
    orders.insert(seen);
    std::ranges::sort(seen);
    std::vector<std::size_t> all(10);
    std::iota(all.begin(), all.end(), std::size_t{0});
    EXPECT_EQ(seen, all);
  }
  EXPECT_EQ(orders.size(), 4U);
}

TEST(BatchPlan, AStepIsTheSameWhateverWasAskedBefore) {
  const std::vector<std::size_t> lengths{9, 3, 4, 8, 5, 5, 2, 7, 6, 1, 3};
  const BatchOptions options{.batch_size = 2, .accumulation_steps = 2, .seed = 11};
  BatchPlan in_order(lengths, options);
  std::vector<MicroBatches> steps;
  for (std::size_t step = 0; step < 12; ++step) steps.push_back(in_order.at(step));
  for (std::size_t step = 12; step-- > 0;) EXPECT_EQ(BatchPlan(lengths, options).at(step), steps[step]) << step;
  BatchPlan backwards(lengths, options);
  for (std::size_t step = 12; step-- > 0;) EXPECT_EQ(backwards.at(step), steps[step]) << step;
}

TEST(BatchPlan, KeepsMicroBatchesWithinTheirLimits) {
  const std::vector<std::size_t> lengths{100, 900, 120, 90, 1500, 80, 300, 310, 70, 60};
  BatchPlan plan(lengths, {.batch_size = 4, .accumulation_steps = 2, .max_tokens = 1000, .seed = 1});
  for (std::size_t step = 0; step < plan.steps_per_epoch(); ++step)
    for (const auto& batch : plan.at(step)) {
      std::size_t tokens = 0;
      for (const auto place : batch) tokens += lengths[place];
      EXPECT_LE(batch.size(), 4U);
      EXPECT_TRUE(tokens <= 1000 || batch.size() == 1) << tokens;
    }
}

}  // namespace
}  // namespace hyprstream
