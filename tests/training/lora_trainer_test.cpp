#include "training/lora_trainer.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <thread>
#include <vector>

#include "test_engine.hpp"
#include "training/trainable.hpp"
#include "training_support.hpp"

namespace hyprstream {
namespace {

using namespace testing_support;

LoraTrainingOptions small_options() {
  LoraTrainingOptions options;
  options.rank = 4;
  options.alpha = 8;
  options.sparsity = 0.9;
  options.total_steps = 20;
  options.threads = 2;
  options.seed = 3;
  return options;
}

class LoraTrainerTest : public testing::Test {
 protected:
  std::unique_ptr<LoraTrainer> trainer(const LoraTrainingOptions& options = small_options()) const {
    auto created = LoraTrainer::create(model_.path(), options);
    EXPECT_TRUE(created) << created.error().message;
    return std::move(*created);
  }
  TrainingStep step(LoraTrainer& trainer) const {
    const MicroBatch batches[] = {examples_};
    const auto result = trainer.step(batches, 0.01);
    EXPECT_TRUE(result) << result.error().message;
    return result.value_or(TrainingStep{});
  }

  ModelFile model_{small_model("qwen3", TensorType::kQ8_0)};
  std::vector<TrainingExample> examples_ = random_examples({20, 31, 9}, 300);
};

TEST_F(LoraTrainerTest, LearnsAndEndsAtTheAskedSparsity) {
  const auto it = trainer();
  const double before = it->evaluate(examples_, true)->loss;
  EXPECT_EQ(before, it->evaluate(examples_, false)->loss);
  TrainingStep last;
  for (int i = 0; i < 20; ++i) last = step(*it);
  EXPECT_LT(it->evaluate(examples_, true)->loss, before - 1);
  EXPECT_EQ(it->evaluate(examples_, false)->loss, before);
  const auto adapter = it->adapter();
  ASSERT_TRUE(adapter) << adapter.error().message;
  EXPECT_GE(adapter->sparsity(), 0.9);
  EXPECT_LT(adapter->sparsity(), 0.901);
  EXPECT_EQ(last.sparsity, adapter->sparsity());
  EXPECT_EQ(it->steps_done(), 20U);
}

TEST_F(LoraTrainerTest, MicroBatchesAddUpToOneBatch) {
  auto options = small_options();
  options.sparsity = 0;
  const auto together = trainer(options), apart = trainer(options);
  const std::span all(examples_);
  const MicroBatch one[] = {all}, three[] = {all.first(1), all.subspan(1, 1), all.subspan(2)};
  const auto a = together->step(one, 1e-3), b = apart->step(three, 1e-3);
  ASSERT_TRUE(a && b);
  EXPECT_NEAR(a->loss, b->loss, 1e-6);
  EXPECT_NEAR(a->grad_norm, b->grad_norm, 1e-5 * a->grad_norm);
  EXPECT_EQ(a->target_tokens, b->target_tokens);
}

class LoraTrainerStateTest : public LoraTrainerTest, public testing::WithParamInterface<std::size_t> {};

TEST_P(LoraTrainerStateTest, GoesOnBitByBit) {
  const auto whole = trainer(), begun = trainer();
  for (std::size_t i = 0; i < GetParam(); ++i) {
    step(*whole);
    step(*begun);
  }
  const auto state = begun->save_state();
  ASSERT_TRUE(state);
  auto options = small_options();
  options.threads = 1;  // any number of them
  options.seed = 99;    // of the beginning, which is past
  const auto resumed = trainer(options);
  ASSERT_TRUE(resumed->load_state(*state));
  EXPECT_EQ(resumed->steps_done(), GetParam());
  for (int i = 0; i < 9; ++i) {
    const auto a = step(*whole), b = step(*resumed);
    EXPECT_EQ(a.loss, b.loss);
    EXPECT_EQ(a.grad_norm, b.grad_norm);
  }
  const auto a = whole->adapter(), b = resumed->adapter();
  ASSERT_EQ(a->pairs().size(), b->pairs().size());
  for (std::size_t i = 0; i < a->pairs().size(); ++i) {
    EXPECT_EQ(a->pairs()[i].a, b->pairs()[i].a);
    EXPECT_EQ(a->pairs()[i].b, b->pairs()[i].b);
  }
}

// Before, while and after pruning, which goes from step 0.4 to step 6 of 20.
INSTANTIATE_TEST_SUITE_P(Steps, LoraTrainerStateTest, testing::Values(0, 1, 3, 5, 6, 7));

TEST_F(LoraTrainerTest, RefusesDamagedStatesAndStaysAsItWas) {
  const auto it = trainer();
  step(*it);
  auto state = it->save_state().value();
  step(*it);
  const auto before = it->save_state().value();
  for (std::size_t size = 0; size < state.size(); size += 997)
    EXPECT_EQ(it->load_state(state.substr(0, size)).error().code, ErrorCode::kCorrupt);
  for (std::size_t at = 0; at < state.size(); at += 997) {
    state[at] ^= 0x10;
    EXPECT_EQ(it->load_state(state).error().code, ErrorCode::kCorrupt);
    state[at] ^= 0x10;
  }
  EXPECT_EQ(it->save_state().value(), before);
  auto options = small_options();
  options.rank = 5;
  EXPECT_EQ(trainer(options)->load_state(state).error().code, ErrorCode::kInvalidArgument);
  EXPECT_TRUE(it->load_state(state));
  EXPECT_EQ(it->save_state().value(), state);
}

TEST_F(LoraTrainerTest, BadInputChangesNothing) {
  const auto it = trainer();
  step(*it);
  const auto before = it->save_state().value();
  const auto fails = [&](std::vector<TrainingExample> examples, double rate = 0.01) {
    const MicroBatch batches[] = {examples};
    const auto result = it->step(batches, rate);
    EXPECT_FALSE(result);
    EXPECT_EQ(it->save_state().value(), before);
    return result.error().code;
  };
  EXPECT_EQ(fails({}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(fails({{{1, 2, 3}, {1, 0, 0}}}), ErrorCode::kInvalidArgument);  // the first cannot be predicted
  EXPECT_EQ(fails({{{1}, {1}}}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(fails({{{1, 2}, {1}}}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(fails({{{1, 300}, {1, 1}}}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(fails({{{1, -1}, {1, 1}}}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(fails(random_examples({513}, 300)), ErrorCode::kInvalidArgument);
  EXPECT_EQ(fails(examples_, -1), ErrorCode::kInvalidArgument);
  EXPECT_EQ(fails(examples_, NAN), ErrorCode::kInvalidArgument);
}

TEST_F(LoraTrainerTest, StopsWhenTheLossIsNoNumber) {
  const auto it = trainer();
  const MicroBatch batches[] = {examples_};
  ASSERT_TRUE(it->step(batches, 1e30));
  const auto state = it->save_state();
  const auto failed = it->step(batches, 1e30);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::kInternal);
  EXPECT_EQ(it->steps_done(), 1U);
  EXPECT_EQ(it->save_state().value(), *state);
}

TEST_F(LoraTrainerTest, IsInterruptedFromAnotherThread) {
  const auto it = trainer();
  std::thread([&] { it->interrupt(); }).join();
  const MicroBatch batches[] = {examples_};
  EXPECT_EQ(it->step(batches, 0.01).error().code, ErrorCode::kCancelled);
  EXPECT_EQ(it->evaluate(examples_, true).error().code, ErrorCode::kCancelled);
  it->clear_interrupt();
  EXPECT_TRUE(it->step(batches, 0.01));
}

TEST_F(LoraTrainerTest, PredictsWhatItHasLearned) {
  auto options = small_options();
  options.sparsity = 0;
  options.rank = 16;
  const auto it = trainer(options);
  for (int i = 0; i < 60; ++i) step(*it);
  const auto hits = it->predict(examples_, true);
  ASSERT_TRUE(hits);
  ASSERT_EQ(hits->size(), examples_.size());
  std::size_t found = 0, targets = 0;
  for (std::size_t e = 0; e < examples_.size(); ++e) {
    ASSERT_EQ((*hits)[e].size(), examples_[e].tokens.size());
    for (std::size_t i = 1; i < examples_[e].tokens.size(); ++i) {
      targets += examples_[e].is_target[i];
      found += (*hits)[e][i];
      if (examples_[e].is_target[i] == 0) {
        EXPECT_EQ((*hits)[e][i], 0);
      }
    }
  }
  EXPECT_EQ(found, targets);
}

TEST_F(LoraTrainerTest, BeginsWithAnotherAdapter) {
  const auto first = trainer();
  for (int i = 0; i < 20; ++i) step(*first);
  const auto start = first->adapter().value();
  const auto next = LoraTrainer::create(model_.path(), small_options(), start);
  ASSERT_TRUE(next) << next.error().message;
  EXPECT_EQ((*next)->evaluate(examples_, true)->loss, first->evaluate(examples_, true)->loss);
}

TEST(Trainable, NamesWhatCannotBeTrained) {
  const ModelFile model(small_model("llama"));
  EXPECT_TRUE(check_trainable(model.path()));
  EXPECT_FALSE(check_trainable("/nowhere.gguf"));
}

}  // namespace
}  // namespace hyprstream
