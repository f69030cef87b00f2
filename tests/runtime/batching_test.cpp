// Many sequences in one batch give what each gives alone.
#include <gtest/gtest.h>

#include <algorithm>

#include "test_engine.hpp"

namespace hyprstream {
namespace {

using namespace testing_support;

Token best(std::span<const float> logits) {
  return static_cast<Token>(std::ranges::max_element(logits) - logits.begin());
}

struct Continuation {
  std::vector<Token> tokens;
  std::vector<float> gaps;  // top-two gap at each token
};

// Greedy continuations of all prompts, all in one batch; sequence i joins at step i * stagger and
// leaves when it has `count` tokens.
std::vector<Continuation> continue_together(RuntimeEngine& engine, const std::vector<std::string>& texts,
                                            std::size_t count, std::size_t stagger) {
  std::vector<Continuation> results(texts.size());
  std::vector<std::optional<SequenceId>> sequences(texts.size());
  for (std::size_t step = 0; std::ranges::any_of(results, [&](const auto& r) { return r.tokens.size() < count; });
       ++step) {
    std::vector<std::vector<Token>> tokens(texts.size());
    std::vector<std::int32_t> last(texts.size());
    std::vector<StepInput> inputs;
    std::vector<std::size_t> owners;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      if (step < i * stagger || results[i].tokens.size() == count) continue;
      if (!sequences[i]) {
        sequences[i] = engine.open_sequence().value();
        tokens[i] = tokens_of(engine, texts[i]);
      } else {
        tokens[i] = {results[i].tokens.back()};
      }
      last[i] = static_cast<std::int32_t>(tokens[i].size()) - 1;
      inputs.push_back({*sequences[i], tokens[i], {&last[i], 1}});
      owners.push_back(i);
    }
    const auto output = engine.step(inputs);
    if (!output) {
      ADD_FAILURE() << output.error().message;
      return results;
    }
    for (std::size_t row = 0; row < owners.size(); ++row) {
      auto& result = results[owners[row]];
      result.tokens.push_back(best(output->logits[row]));
      result.gaps.push_back(top_two_gap(output->logits[row]));
      if (result.tokens.size() == count) engine.close_sequence(*sequences[owners[row]]);
    }
  }
  return results;
}

std::vector<Continuation> continue_alone(RuntimeEngine& engine, std::size_t count) {
  std::vector<Continuation> results;
  for (const auto& text : prompts()) results.push_back(continue_together(engine, {text}, count, 0).front());
  return results;
}

TEST(Batching, Float32GivesTheSameTokensAsAlone) {
  const auto alone = continue_alone(*load(exact_options()), 40);
  for (const auto layout : {KvCacheLayout::kShared, KvCacheLayout::kPerSequence}) {
    auto options = exact_options();
    options.kv_cache_layout = layout;
    const auto engine = load(options);
    for (const std::size_t stagger : {0UZ, 3UZ}) {
      const auto together = continue_together(*engine, prompts(), 40, stagger);
      for (std::size_t i = 0; i < alone.size(); ++i)
        EXPECT_EQ(together[i].tokens, alone[i].tokens) << prompts()[i] << " (stagger " << stagger << ")";
    }
  }
}

// Quantized kernels round differently for other batch shapes: a near tie may fall the other way,
// and from there on the texts differ.
TEST(Batching, QuantizedGivesTheSameTokensUpToTheFirstNearTie) {
  const auto engine = load(bundled_options());
  const auto alone = continue_alone(*engine, 40);
  const auto together = continue_together(*engine, prompts(), 40, 2);
  std::size_t compared = 0;
  for (std::size_t i = 0; i < alone.size(); ++i)
    for (std::size_t at = 0; at < alone[i].tokens.size() && alone[i].gaps[at] >= 0.3F; ++at, ++compared)
      ASSERT_EQ(together[i].tokens[at], alone[i].tokens[at]) << prompts()[i] << " at " << at;
  EXPECT_GT(compared, 40U) << "the prompts no longer test anything";
}

TEST(Batching, AStepLargerThanTheBatchIsSplit) {
  auto options = exact_options();
  const auto whole = load(options);
  options.batch_size = 7;
  options.max_outputs = 2;
  const auto split = load(options);
  const auto tokens = tokens_of(*whole, prompts()[2]);
  ASSERT_GT(tokens.size(), 21U);
  std::vector<std::int32_t> all(tokens.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::int32_t>(i);
  const auto expected = logits_alone(*whole, tokens, all);
  const auto rows = logits_alone(*split, tokens, all);
  ASSERT_EQ(expected.size(), tokens.size());
  ASSERT_EQ(rows.size(), tokens.size());
  for (std::size_t i = 0; i < rows.size(); ++i) EXPECT_LT(max_difference(rows[i], expected[i]), 1e-3F) << i;
}

class BatchOutputs : public testing::TestWithParam<KvCacheLayout> {};
INSTANTIATE_TEST_SUITE_P(Batching, BatchOutputs, testing::Values(KvCacheLayout::kShared, KvCacheLayout::kPerSequence));

TEST_P(BatchOutputs, AreWantedPositionsOfTheRightSequence) {
  auto options = exact_options();
  options.kv_cache_layout = GetParam();
  const auto engine = load(options);
  const auto a = tokens_of(*engine, prompts()[0]);
  const auto b = tokens_of(*engine, prompts()[5]);
  const std::vector<std::int32_t> of_a = {0, 2};
  const std::vector<std::int32_t> of_b = {1, static_cast<std::int32_t>(b.size()) - 1};
  const auto first = ScopedSequence::open(*engine);
  const auto second = ScopedSequence::open(*engine);
  const std::vector<StepInput> inputs = {{first->id(), a, of_a}, {second->id(), b, of_b}};
  const auto output = engine->step(inputs);
  ASSERT_TRUE(output);
  ASSERT_EQ(output->logits.size(), 4U);
  EXPECT_TRUE(output->hidden.empty());
  std::vector<std::vector<float>> together;
  for (const auto row : output->logits) together.emplace_back(row.begin(), row.end());
  auto alone = logits_alone(*engine, a, of_a);
  for (auto& row : logits_alone(*engine, b, of_b)) alone.push_back(std::move(row));
  for (std::size_t i = 0; i < 4; ++i) EXPECT_LT(max_difference(together[i], alone[i]), 1e-3F) << i;
  EXPECT_GT(max_difference(together[0], together[1]), 0.1F);
}

}  // namespace
}  // namespace hyprstream
