// Many sequences with different adapters in one batch, and changes between steps.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include "adapter_engine/lora_engine.hpp"
#include "random_adapter.hpp"
#include "test_engine.hpp"

namespace hyprstream {
namespace {

using namespace testing_support;

class Sequences : public testing::TestWithParam<LoraRoute> {
 protected:
  void SetUp() override {
    const auto options = exact_options();
    engine_ = LoraEngine::create(load(options), read_base_model(options.model_path).value(), GetParam());
    for (unsigned i = 0; i < 3; ++i)
      adapters_.push_back(
          random_adapter(engine_->base_model(), 8, 0.02, i, 0.3F,
                         i == 0 ? std::vector{LinearModule::kQ, LinearModule::kV} : engine_->base_model().modules()));
  }

  ScopedSequence open(const AdapterList& adapters) {
    auto sequence = ScopedSequence::open(*engine_);
    EXPECT_TRUE(engine_->set_adapters(sequence->id(), adapters));
    return std::move(*sequence);
  }

  // Appends the tokens and gives the logits of the last.
  std::vector<float> last_logits(SequenceId sequence, std::span<const Token> tokens) {
    const auto last = static_cast<std::int32_t>(tokens.size()) - 1;
    const StepInput input{sequence, tokens, {&last, 1}};
    const auto output = engine_->step({&input, 1});
    if (!output) {
      ADD_FAILURE() << output.error().message;
      return {};
    }
    return {output->logits[0].begin(), output->logits[0].end()};
  }

  std::unique_ptr<LoraEngine> engine_;
  std::vector<std::shared_ptr<const LoraAdapter>> adapters_;
};

INSTANTIATE_TEST_SUITE_P(Routes, Sequences, testing::Values(LoraRoute::kHook, LoraRoute::kNative),
                         [](const auto& route) { return route.param == LoraRoute::kHook ? "Hook" : "Native"; });

TEST_P(Sequences, AMixedBatchEqualsEachAlone) {
  const std::vector<AdapterList> lists = {{},
                                          {{adapters_[0], 1}},
                                          {{adapters_[1], 1}},
                                          {{adapters_[1], 0.5F}},
                                          {{adapters_[0], 1}, {adapters_[2], -1}},
                                          {{adapters_[1], 1}}};
  std::vector<ScopedSequence> sequences;
  std::vector<std::vector<Token>> tokens;
  std::vector<StepInput> inputs;
  std::vector<std::int32_t> last;
  for (std::size_t i = 0; i < lists.size(); ++i) {
    sequences.push_back(open(lists[i]));
    tokens.push_back(tokens_of(*engine_, prompts()[i % 2]));
    last.push_back(static_cast<std::int32_t>(tokens.back().size()) - 1);
  }
  for (std::size_t i = 0; i < lists.size(); ++i) inputs.push_back({sequences[i].id(), tokens[i], {&last[i], 1}});
  const auto output = engine_->step(inputs);
  ASSERT_TRUE(output) << output.error().message;
  ASSERT_EQ(output->logits.size(), lists.size());
  std::vector<std::vector<float>> together;
  for (const auto row : output->logits) together.emplace_back(row.begin(), row.end());
  sequences.clear();
  for (std::size_t i = 0; i < lists.size(); ++i) {
    EXPECT_LT(max_difference(together[i], last_logits(open(lists[i]).id(), tokens[i])), 1e-3F) << i;
    if (i > 0) {
      EXPECT_GT(max_difference(together[i], last_logits(open({}).id(), tokens[i])), 0.02F) << i;
    }
  }
}

TEST_P(Sequences, AChangeTakesEffectInTheNextStepAndLeavesOthersAlone) {
  const auto tokens = tokens_of(*engine_, prompts()[2]);
  const std::span<const Token> head = std::span(tokens).first(tokens.size() - 1);
  const std::span<const Token> tail = std::span(tokens).last(1);
  const auto other = open({{adapters_[2], 1}});
  const auto other_alone = [&] {
    const auto fresh = open({{adapters_[2], 1}});
    last_logits(fresh.id(), head);
    return last_logits(fresh.id(), tail);
  }();
  last_logits(other.id(), head);

  const auto sequence = open({{adapters_[1], 1}});
  last_logits(sequence.id(), head);
  const auto with = last_logits(sequence.id(), tail);
  ASSERT_TRUE(engine_->truncate_sequence(sequence.id(), static_cast<int>(head.size())));
  ASSERT_TRUE(engine_->set_adapters(sequence.id(), {}));
  const auto removed = last_logits(sequence.id(), tail);
  ASSERT_TRUE(engine_->truncate_sequence(sequence.id(), static_cast<int>(head.size())));
  ASSERT_TRUE(engine_->set_adapters(sequence.id(), {{adapters_[1], 1}}));
  const auto again = last_logits(sequence.id(), tail);
  EXPECT_GT(max_difference(with, removed), 0.02F);
  EXPECT_LT(max_difference(with, again), 1e-4F);
  EXPECT_LT(max_difference(last_logits(other.id(), tail), other_alone), 1e-3F);
}

// Replacing an adapter in a registry does not touch who uses it: the sequence holds it.
TEST_P(Sequences, ASequenceKeepsTheVersionItStartedWith) {
  const auto tokens = tokens_of(*engine_, prompts()[3]);
  auto version = random_adapter(engine_->base_model(), 8, 0.02, 77, 0.3F);
  const auto sequence = open({{version, 1}});
  const auto expected = last_logits(open({{version, 1}}).id(), tokens);
  const std::weak_ptr<const LoraAdapter> watched = version;
  version = random_adapter(engine_->base_model(), 8, 0.02, 78, 0.3F);
  EXPECT_FALSE(watched.expired());
  EXPECT_LT(max_difference(last_logits(sequence.id(), tokens), expected), 1e-4F);
}

TEST_P(Sequences, PrefixesAreSharedOnlyUnderTheSameAdapters) {
  const auto tokens = tokens_of(*engine_, prompts()[2]);
  const int length = static_cast<int>(tokens.size()) - 1;
  const AdapterList list = {{adapters_[0], 1}};
  const auto source = open(list);
  const auto expected = last_logits(source.id(), tokens);

  const auto same = open(list);
  ASSERT_TRUE(engine_->share_prefix(source.id(), same.id(), length));
  EXPECT_LT(max_difference(last_logits(same.id(), std::span(tokens).last(1)), expected), 1e-3F);

  for (const AdapterList& other :
       std::vector<AdapterList>{{},
                                {{adapters_[1], 1}},
                                {{adapters_[0], 0.5F}},
                                {{adapters_[0], 1}, {adapters_[1], 1}},
                                {{random_adapter(engine_->base_model(), 8, 0.02, 0, 0.3F), 1}}}) {
    const auto target = open(other);
    const auto shared = engine_->share_prefix(source.id(), target.id(), length);
    ASSERT_FALSE(shared);
    EXPECT_EQ(shared.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(engine_->sequence_length(target.id()), 0);
  }

  // A prefix whose second half was computed under another list serves for its first half only.
  const auto mixed = open(list);
  last_logits(mixed.id(), std::span(tokens).first(2));
  ASSERT_TRUE(engine_->set_adapters(mixed.id(), {}));
  last_logits(mixed.id(), std::span(tokens).subspan(2, 2));
  const auto target = open(list);
  EXPECT_FALSE(engine_->share_prefix(mixed.id(), target.id(), 3));
  EXPECT_TRUE(engine_->share_prefix(mixed.id(), target.id(), 2));
  // Cut back to there, it is pure again.
  ASSERT_TRUE(engine_->truncate_sequence(mixed.id(), 2));
  ASSERT_TRUE(engine_->set_adapters(mixed.id(), list));
  last_logits(mixed.id(), std::span(tokens).subspan(2, 2));
  const auto second = open(list);
  EXPECT_TRUE(engine_->share_prefix(mixed.id(), second.id(), 4));
}

TEST_P(Sequences, RefusesWhatMakesNoSense) {
  const auto sequence = open({});
  const auto set = [&](AdapterList list) { return engine_->set_adapters(sequence.id(), std::move(list)); };
  EXPECT_EQ(set({{adapters_[0], std::numeric_limits<float>::quiet_NaN()}}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_FALSE(engine_->set_adapters(SequenceId{99}, {}));

  auto base = engine_->base_model();
  for (auto& linear : base.linears) linear.in *= 2;
  const auto misfit = set({{random_adapter(base, 4, 0.1, 1), 1}});
  ASSERT_FALSE(misfit);
  EXPECT_EQ(misfit.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(misfit.error().message.find("blk.0.attn_q.weight"), std::string::npos) << misfit.error().message;
  EXPECT_TRUE(engine_->adapters(sequence.id()).empty());
}

TEST_P(Sequences, AFailedStepChangesNoSequence) {
  const auto tokens = tokens_of(*engine_, prompts()[0]);
  const auto first = open({{adapters_[0], 1}});
  const auto second = open({{adapters_[1], 1}});
  const auto before = last_logits(first.id(), tokens);
  const std::vector<Token> too_long(static_cast<std::size_t>(engine_->options().context_length) + 1, tokens[0]);
  const std::vector<StepInput> inputs = {{first.id(), tokens, {}}, {second.id(), too_long, {}}};
  EXPECT_FALSE(engine_->step(inputs));
  EXPECT_EQ(engine_->sequence_length(first.id()), static_cast<int>(tokens.size()));
  EXPECT_EQ(engine_->sequence_length(second.id()), 0);
}

}  // namespace
}  // namespace hyprstream
