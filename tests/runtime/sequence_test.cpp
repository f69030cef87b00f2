// Sequences: prefixes shared and cut, steps refused, interrupted and rolled back.
#include <gtest/gtest.h>

#include <thread>

#include "test_engine.hpp"

namespace hyprstream {
namespace {

using namespace testing_support;

// Appends tokens and gives the logits after the last one.
std::vector<float> extend(RuntimeEngine& engine, SequenceId sequence, std::span<const Token> tokens) {
  const auto last = static_cast<std::int32_t>(tokens.size()) - 1;
  const StepInput input{sequence, tokens, {&last, 1}};
  const auto output = engine.step({&input, 1});
  if (!output) {
    ADD_FAILURE() << output.error().message;
    return {};
  }
  return {output->logits.front().begin(), output->logits.front().end()};
}

class SequenceTest : public testing::Test {
 protected:
  SequenceTest() : engine_(load(exact_options())), text_(tokens_of(*engine_, prompts()[2])) {
    const auto last = static_cast<std::int32_t>(text_.size()) - 1;
    expected_ = logits_alone(*engine_, text_, {&last, 1}).front();
  }

  std::span<const Token> first(std::size_t count) const { return std::span(text_).first(count); }
  std::span<const Token> rest(std::size_t from) const { return std::span(text_).subspan(from); }

  std::unique_ptr<RuntimeEngine> engine_;
  std::vector<Token> text_;
  std::vector<float> expected_;  // logits after the whole text
};

TEST_F(SequenceTest, APrefixOfAnotherSequenceCountsAsComputed) {
  const auto source = ScopedSequence::open(*engine_);
  extend(*engine_, source->id(), text_);
  const auto target = ScopedSequence::open(*engine_);
  ASSERT_TRUE(engine_->share_prefix(source->id(), target->id(), 10));
  EXPECT_EQ(engine_->sequence_length(target->id()), 10);
  EXPECT_LT(max_difference(extend(*engine_, target->id(), rest(10)), expected_), 1e-3F);
}

TEST_F(SequenceTest, ASharedPrefixSurvivesItsSource) {
  const auto target = ScopedSequence::open(*engine_);
  {
    const auto source = ScopedSequence::open(*engine_);
    extend(*engine_, source->id(), first(12));
    ASSERT_TRUE(engine_->share_prefix(source->id(), target->id(), 12));
  }
  EXPECT_LT(max_difference(extend(*engine_, target->id(), rest(12)), expected_), 1e-3F);
}

TEST_F(SequenceTest, WhatWasCutIsForgotten) {
  const auto sequence = ScopedSequence::open(*engine_);
  extend(*engine_, sequence->id(), first(8));
  extend(*engine_, sequence->id(), tokens_of(*engine_, "Why is the sky blue?"));
  ASSERT_TRUE(engine_->truncate_sequence(sequence->id(), 8));
  EXPECT_EQ(engine_->sequence_length(sequence->id()), 8);
  EXPECT_LT(max_difference(extend(*engine_, sequence->id(), rest(8)), expected_), 1e-3F);
}

TEST_F(SequenceTest, AClosedSequenceLeavesNothingBehind) {
  for (int i = 0; i < 3; ++i) {
    const auto sequence = ScopedSequence::open(*engine_);
    EXPECT_EQ(engine_->sequence_length(sequence->id()), 0);
    EXPECT_LT(max_difference(extend(*engine_, sequence->id(), text_), expected_), 1e-3F);
  }
}

TEST_F(SequenceTest, OpensAsManyAsAskedFor) {
  std::vector<ScopedSequence> open;
  for (int i = 0; i < engine_->options().max_sequences; ++i) open.push_back(std::move(*ScopedSequence::open(*engine_)));
  EXPECT_EQ(engine_->open_sequence().error().code, ErrorCode::kResourceExhausted);
  open.pop_back();
  EXPECT_TRUE(ScopedSequence::open(*engine_));
}

TEST_F(SequenceTest, RefusesWhatMakesNoSense) {
  const auto sequence = ScopedSequence::open(*engine_);
  const auto code = [&](const StepInput& input) { return engine_->step({&input, 1}).error().code; };
  const std::vector<Token> unknown = {1, 2048};
  const std::vector<Token> negative = {-1};
  const std::vector<std::int32_t> outside = {static_cast<std::int32_t>(text_.size())};
  const std::vector<std::int32_t> descending = {1, 0};
  EXPECT_EQ(code({sequence->id(), {}, {}}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({sequence->id(), unknown, {}}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({sequence->id(), negative, {}}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({sequence->id(), text_, outside}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({sequence->id(), text_, descending}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({SequenceId{5}, text_, {}}), ErrorCode::kInvalidArgument);  // not open
  EXPECT_EQ(code({SequenceId{-1}, text_, {}}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({SequenceId{1000}, text_, {}}), ErrorCode::kInvalidArgument);
  const std::vector<StepInput> twice = {{sequence->id(), text_, {}}, {sequence->id(), text_, {}}};
  EXPECT_EQ(engine_->step(twice).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(engine_->truncate_sequence(sequence->id(), 1).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(engine_->share_prefix(sequence->id(), sequence->id(), 0).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(engine_->sequence_length(sequence->id()), 0);
}

TEST_F(SequenceTest, AFullCacheFailsTheStepAndKeepsTheSequences) {
  auto options = exact_options();
  options.context_length = 256;  // libllama rounds up to 256
  options.max_sequences = 2;
  options.batch_size = 64;
  const auto engine = load(options);
  const std::vector<Token> filler(200, text_.front());
  const auto large = ScopedSequence::open(*engine);
  const auto small = ScopedSequence::open(*engine);
  extend(*engine, large->id(), filler);
  extend(*engine, small->id(), first(10));
  // 200 + 10 + 100 tokens do not fit; the first of the two batches of this step does.
  const std::vector<Token> more(100, text_.front());
  const StepInput input{small->id(), more, {}};
  const auto failed = engine->step({&input, 1});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(engine->sequence_length(small->id()), 10);
  EXPECT_LT(max_difference(extend(*engine, small->id(), rest(10)), expected_), 1e-3F);
}

TEST_F(SequenceTest, AnInterruptFailsStepsUntilItIsCleared) {
  const auto sequence = ScopedSequence::open(*engine_);
  extend(*engine_, sequence->id(), first(6));
  engine_->interrupt();
  const StepInput input{sequence->id(), rest(6), {}};
  EXPECT_EQ(engine_->step({&input, 1}).error().code, ErrorCode::kCancelled);
  EXPECT_EQ(engine_->sequence_length(sequence->id()), 6);
  engine_->clear_interrupt();
  EXPECT_LT(max_difference(extend(*engine_, sequence->id(), rest(6)), expected_), 1e-3F);
}

TEST_F(SequenceTest, AnInterruptInTheMiddleOfAStepRollsItBack) {
  const auto sequence = ScopedSequence::open(*engine_);
  extend(*engine_, sequence->id(), first(6));
  const std::vector<Token> long_text(1000, text_.front());
  Result<StepOutput> result;
  // The step takes some hundred milliseconds; the interrupt comes while it runs.
  std::jthread interrupter([this] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    engine_->interrupt();
  });
  const StepInput input{sequence->id(), long_text, {}};
  result = engine_->step({&input, 1});
  interrupter.join();
  engine_->clear_interrupt();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(engine_->sequence_length(sequence->id()), 6);
  EXPECT_LT(max_difference(extend(*engine_, sequence->id(), rest(6)), expected_), 1e-3F);
}

}  // namespace
}  // namespace hyprstream
