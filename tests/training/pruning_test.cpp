// Gradual pruning: the schedule, what is silent meanwhile, and that what is gone stays gone.
#include "training/pruning.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "training_support.hpp"

namespace hyprstream {
namespace {

using namespace testing_support;

TEST(PruningSchedule, RisesFromNothingToTheSparsityThatIsAskedFor) {
  LoraTrainingOptions options;
  options.sparsity = 0.8;
  options.prune_begin = 0.1;
  options.prune_end = 0.6;
  options.total_steps = 100;
  EXPECT_EQ(scheduled_sparsity(options, 0), 0);
  EXPECT_EQ(scheduled_sparsity(options, 9), 0);
  EXPECT_EQ(pruning_phase(options, 10), PruningPhase::kBefore);
  EXPECT_NEAR(scheduled_sparsity(options, 35), 0.8 * (1 - 0.125), 1e-12);  // half way: 1 - (1/2)^3
  for (std::size_t step = 11; step < 60; ++step) {
    EXPECT_GT(scheduled_sparsity(options, step), scheduled_sparsity(options, step - 1));
    EXPECT_EQ(pruning_phase(options, step), PruningPhase::kDuring);
  }
  for (const std::size_t step : {60, 61, 100, 1000}) {
    EXPECT_EQ(scheduled_sparsity(options, step), 0.8);
    EXPECT_EQ(pruning_phase(options, step), PruningPhase::kAfter);
  }
  options.prune_begin = options.prune_end = 0;  // at once, but not before the first step
  EXPECT_EQ(pruning_phase(options, 0), PruningPhase::kBefore);
  EXPECT_EQ(pruning_phase(options, 1), PruningPhase::kAfter);
  options.sparsity = 0;
  EXPECT_EQ(pruning_phase(options, 50), PruningPhase::kBefore);
}

class PruningTest : public testing::Test {
 protected:
  // One pair of rank 2, [3 -> 2]: A by component 1 2 3 and 4 5 6, B 1 1 and 10 10.
  PruningTest() : pool_(ThreadPool::create(1).value()) {
    const std::vector<float> a = {1, 2, 3, 4, 5, 6};
    const std::vector<float> b = {1, 1, 10, 10};
    LoraPair pair{.id = {0, LinearModule::kQ},
                  .scaling = 1,
                  .a = LoraFactor::from_dense(a, 2, 3).value(),
                  .b = LoraFactor::from_dense(b, 2, 2).value()};
    AdapterDescription description;
    description.rank = 2;
    std::vector<LoraPair> pairs;
    pairs.push_back(std::move(pair));
    adapter_.emplace(TrainableAdapter::create(LoraAdapter::create(description, std::move(pairs)).value()).value());
    for (std::size_t i = 0; i < adapter_->values().size(); ++i)
      if (adapter_->is_entry(i)) adapter_->second_moments()[i] = adapter_->first_moments()[i] = 1;
  }

  std::multiset<float> living() const {
    std::multiset<float> result;
    for (std::size_t i = 0; i < adapter_->alive().size(); ++i)
      if (adapter_->alive()[i] != 0) result.insert(adapter_->values()[i]);
    return result;
  }
  std::size_t place_of(float value) const {
    const auto values = adapter_->values();
    return static_cast<std::size_t>(std::ranges::find(values, value) - values.begin());
  }

  std::unique_ptr<ThreadPool> pool_;
  mutable std::optional<TrainableAdapter> adapter_;
};

// |A_1| = sqrt(14), |A_2| = sqrt(77), |B_1| = sqrt(2), |B_2| = sqrt(200): the scores are 1.4 2.8 4.2, 57 71 85, 3.7
// twice and 88 twice.
TEST_F(PruningTest, KeepsWhatContributesMost) {
  choose_living(*pool_, *adapter_, 5);
  EXPECT_EQ(living(), (std::multiset<float>{4, 5, 6, 10, 10}));
  choose_living(*pool_, *adapter_, 6);  // what is silent may come back
  EXPECT_EQ(living(), (std::multiset<float>{3, 4, 5, 6, 10, 10}));
  choose_living(*pool_, *adapter_, 7);  // of equal scores the first
  EXPECT_EQ(living(), (std::multiset<float>{1, 3, 4, 5, 6, 10, 10}));
  choose_living(*pool_, *adapter_, 0);
  EXPECT_EQ(living(), std::multiset<float>{});
}

TEST_F(PruningTest, AndWhatTheLossFeels) {
  adapter_->second_moments()[place_of(2)] = 1e6F;
  adapter_->second_moments()[place_of(6)] = 0;
  choose_living(*pool_, *adapter_, 5);
  EXPECT_EQ(living(), (std::multiset<float>{2, 4, 5, 10, 10}));
}

TEST_F(PruningTest, SilenceEndsAndDroppingDoesNot) {
  const std::vector<float> before(adapter_->values().begin(), adapter_->values().end());
  choose_living(*pool_, *adapter_, 3);
  {
    const SilentEntries silent(*adapter_, PruningPhase::kDuring);
    for (std::size_t i = 0; i < before.size(); ++i)
      EXPECT_EQ(adapter_->values()[i], adapter_->alive()[i] != 0 ? before[i] : 0);
  }
  EXPECT_TRUE(std::ranges::equal(adapter_->values(), before));
  EXPECT_EQ(adapter_->to_adapter()->nnz(), 3U);
  wipe_pruned(*adapter_);
  for (std::size_t i = 0; i < before.size(); ++i) {
    const bool lives = adapter_->alive()[i] != 0;
    EXPECT_EQ(adapter_->values()[i], lives ? before[i] : 0);
    EXPECT_EQ(adapter_->first_moments()[i], lives ? 1 : 0);
    EXPECT_EQ(adapter_->second_moments()[i], lives ? 1 : 0);
  }
}

std::vector<bool> pattern(const LoraAdapter& adapter) {
  std::vector<bool> zeros;
  for (const auto& pair : adapter.pairs())
    for (const auto* factor : {&pair.a, &pair.b})
      for (const float value : factor->to_dense()) zeros.push_back(value == 0);
  return zeros;
}

TEST(Pruning, WhatIsPrunedInTheEndStaysSo) {
  const ModelFile model(small_model("llama"));
  const auto examples = random_examples({20, 31, 9}, 300);
  LoraTrainingOptions options;
  options.rank = 4;
  options.alpha = 8;
  options.sparsity = 0.95;
  options.total_steps = 20;
  const auto trainer = LoraTrainer::create(model.path(), options).value();
  const MicroBatch batches[] = {examples};
  std::set<std::vector<bool>> during;
  std::vector<bool> after;
  for (std::size_t step = 1; step <= 20; ++step) {
    const auto result = trainer->step(batches, 0.02);
    ASSERT_TRUE(result) << result.error().message;
    const auto zeros = pattern(trainer->adapter().value());
    const auto share = static_cast<double>(std::ranges::count(zeros, true)) / static_cast<double>(zeros.size());
    EXPECT_GE(share + 1e-9, scheduled_sparsity(options, step)) << step;
    EXPECT_NEAR(share, result->sparsity, 1e-9) << step;
    if (step < 6) during.insert(zeros);
    if (step == 6) after = zeros;
    if (step > 6) {
      EXPECT_EQ(zeros, after) << step;
    }
  }
  EXPECT_GE(during.size(), 5U);
}

}  // namespace
}  // namespace hyprstream
