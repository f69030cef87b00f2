// Pruning against a plain oracle: score every entry, sort, cut.
#include "adapter/sparsify.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "adapter/effect_norm.hpp"

namespace hyprstream {
namespace {

LoraFactor factor_of(const std::vector<float>& dense, std::size_t rank) {
  return LoraFactor::from_dense(dense, rank, dense.size() / rank).value();
}

// Values from a small set, so that many scores are equal; zeros too.
std::vector<float> coarse_values(std::size_t count, std::mt19937& random) {
  std::vector<float> values(count);
  for (auto& value : values) value = static_cast<float>(static_cast<int>(random() % 9) - 4) * 0.25F;
  return values;
}

std::vector<float> normal_values(std::size_t count, float deviation, std::mt19937& random) {
  std::normal_distribution<float> normal(0, deviation);
  std::vector<float> values(count);
  for (auto& value : values) value = normal(random);
  return values;
}

LoraAdapter make_adapter(std::vector<LoraPair> pairs) {
  AdapterDescription description{.id = make_uuid(), .name = "test"};
  return LoraAdapter::create(std::move(description), std::move(pairs)).value();
}

LoraAdapter random_adapter(bool coarse, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<LoraPair> pairs;
  for (int layer = 0; layer < 3; ++layer) {
    const std::size_t rank = 4;
    const auto a = coarse ? coarse_values(rank * 24, random) : normal_values(rank * 24, 0.5F, random);
    const auto b = coarse ? coarse_values(rank * 16, random) : normal_values(rank * 16, 0.02F, random);
    pairs.push_back({.id = {layer, LinearModule::kQ},
                     .scaling = 0.5F + static_cast<float>(layer),
                     .a = factor_of(a, rank),
                     .b = factor_of(b, rank)});
  }
  return make_adapter(std::move(pairs));
}

// The dense values in the order of the adapter, and the score of each.
struct Entry {
  float value;
  float score;
  std::size_t position;
};

std::vector<std::vector<Entry>> score_all(const LoraAdapter& adapter, PruneMethod method) {
  std::vector<std::vector<Entry>> factors;
  std::size_t position = 0;
  for (const auto& pair : adapter.pairs())
    for (const bool is_a : {true, false}) {
      const auto dense = (is_a ? pair.a : pair.b).to_dense();
      const auto partner = (is_a ? pair.b : pair.a).to_dense();
      const std::size_t width = dense.size() / pair.rank();
      const std::size_t partner_width = partner.size() / pair.rank();
      auto& entries = factors.emplace_back();
      for (std::size_t i = 0; i < dense.size(); ++i) {
        double norm = 0;
        for (std::size_t k = 0; k < partner_width; ++k) {
          const auto value = static_cast<double>(partner[i / width * partner_width + k]);
          norm += value * value;
        }
        const float score = method == PruneMethod::kMagnitude
                                ? std::abs(dense[i])
                                : static_cast<float>(std::abs(static_cast<double>(dense[i])) * std::sqrt(norm) *
                                                     static_cast<double>(pair.scaling));
        entries.push_back({dense[i], dense[i] == 0 ? -1 : score, position++});
      }
    }
  return factors;
}

void keep_best(std::vector<Entry>& entries, std::size_t kept) {
  std::ranges::stable_sort(entries, std::greater<>(), &Entry::score);
  for (std::size_t i = kept; i < entries.size(); ++i) entries[i].value = 0;
  std::ranges::sort(entries, {}, &Entry::position);
}

std::vector<float> oracle(const LoraAdapter& adapter, const SparsifyOptions& options) {
  auto factors = score_all(adapter, options.method);
  const auto kept = [&](std::size_t entries) {
    std::size_t zeros = 0;
    while (static_cast<double>(zeros) / static_cast<double>(entries) < options.sparsity) ++zeros;
    return entries - zeros;
  };
  std::vector<Entry> all;
  for (auto& factor : factors) {
    if (options.scope == PruneScope::kMatrix) keep_best(factor, kept(factor.size()));
    all.append_range(factor);
  }
  if (options.scope == PruneScope::kAdapter) keep_best(all, kept(all.size()));
  std::vector<float> values;
  for (const auto& entry : all) values.push_back(entry.value);
  return values;
}

std::vector<float> dense_values(const LoraAdapter& adapter) {
  std::vector<float> values;
  for (const auto& pair : adapter.pairs()) {
    values.append_range(pair.a.to_dense());
    values.append_range(pair.b.to_dense());
  }
  return values;
}

struct Choice {
  PruneMethod method;
  PruneScope scope;
};

class Sparsify : public testing::TestWithParam<Choice> {};

TEST_P(Sparsify, KeepsExactlyTheBest) {
  for (const bool coarse : {true, false})
    for (const double sparsity : {0.0, 0.07, 0.5, 0.9, 0.99, 0.9999})
      for (unsigned seed = 0; seed < 4; ++seed) {
        const auto adapter = random_adapter(coarse, seed);
        const SparsifyOptions options{.sparsity = sparsity, .method = GetParam().method, .scope = GetParam().scope};
        const auto pruned = sparsify(adapter, options);
        ASSERT_TRUE(pruned) << pruned.error().message;
        EXPECT_EQ(dense_values(*pruned), oracle(adapter, options)) << sparsity << ", coarse " << coarse;
        EXPECT_GE(pruned->sparsity(), sparsity);
        EXPECT_EQ(pruned->description().requested_sparsity, sparsity);
        EXPECT_EQ(pruned->id(), adapter.id());
      }
}

INSTANTIATE_TEST_SUITE_P(Choices, Sparsify,
                         testing::Values(Choice{PruneMethod::kContribution, PruneScope::kAdapter},
                                         Choice{PruneMethod::kContribution, PruneScope::kMatrix},
                                         Choice{PruneMethod::kMagnitude, PruneScope::kAdapter},
                                         Choice{PruneMethod::kMagnitude, PruneScope::kMatrix}));

TEST(SparsifyLimits, CountsAreExact) {
  EXPECT_EQ(kept_entries(100, 0.99), 1U);
  EXPECT_EQ(kept_entries(100, 0.07), 93U);  // 0.07 * 100 is a little above 7
  EXPECT_EQ(kept_entries(100, 0.29), 71U);  // 0.29 * 100 is a little below 29
  EXPECT_EQ(kept_entries(1000, 0.9985), 1U);
  EXPECT_EQ(kept_entries(50, 0.99), 0U);
  EXPECT_EQ(kept_entries(7, 0), 7U);
  for (std::size_t entries = 1; entries < 400; ++entries)
    for (const double sparsity : {0.1, 0.3, 0.55, 0.7, 0.9, 0.99, 0.995}) {
      const auto zeros = static_cast<double>(entries - kept_entries(entries, sparsity));
      EXPECT_GE(zeros / static_cast<double>(entries), sparsity) << entries;
      EXPECT_LT((zeros - 1) / static_cast<double>(entries), sparsity) << entries;
    }
}

// What the design found: A larger than B, magnitude keeps nothing of the product, contribution does.
TEST(SparsifyLimits, ContributionKeepsAnEffectWhereMagnitudeDoesNot) {
  const auto adapter = random_adapter(false, 9);
  const auto norm = [](const LoraAdapter& pruned) {
    double sum = 0;
    for (const auto& pair : pruned.pairs()) sum += effect_norm(pair);
    return sum;
  };
  EXPECT_EQ(norm(*sparsify(adapter, {.sparsity = 0.9, .method = PruneMethod::kMagnitude})), 0);
  EXPECT_GT(norm(*sparsify(adapter, {.sparsity = 0.9})), 0.05 * norm(adapter));
}

TEST(SparsifyLimits, RefusesWhatCannotBePruned) {
  const auto adapter = random_adapter(false, 1);
  for (const double sparsity : {-0.1, 1.0, 1.5, std::nan("")}) {
    const auto refused = sparsify(adapter, {.sparsity = sparsity});
    ASSERT_FALSE(refused) << sparsity;
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  }
  const auto untrained = make_adapter(
      {{.id = {0, LinearModule::kQ}, .scaling = 1, .a = factor_of({1, 2, 3, 4}, 2), .b = LoraFactor::zero(2, 3)}});
  const auto refused = sparsify(untrained, {.sparsity = 0.5});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("lora train"), std::string::npos) << refused.error().message;
}

// Scores past float's range are the largest, and not infinite or NaN.
TEST(SparsifyLimits, HugeValuesAreRanked) {
  const auto adapter = make_adapter({{.id = {0, LinearModule::kQ},
                                      .scaling = 1e30F,
                                      .a = factor_of({3e38F, 1e-30F, 1e30F, 2e-38F}, 1),
                                      .b = factor_of({3e38F, 1e-38F}, 1)}});
  const auto pruned = sparsify(adapter, {.sparsity = 0.5});
  ASSERT_TRUE(pruned);
  EXPECT_EQ(dense_values(*pruned), (std::vector<float>{3e38F, 0, 1e30F, 0, 3e38F, 0}));
}

TEST(SparsifyLimits, PruningAgainAndScalingKeepTheSparsity) {
  const auto adapter = sparsify(random_adapter(false, 3), {.sparsity = 0.9}).value();
  EXPECT_EQ(sparsify(adapter, {.sparsity = 0.5})->nnz(), adapter.nnz()) << "what is gone stays gone";
  EXPECT_LT(sparsify(adapter, {.sparsity = 0.97})->nnz(), adapter.nnz());
  const auto& a = adapter.pairs()[0].a;
  std::vector<float> scaled(a.values().begin(), a.values().end());
  for (auto& value : scaled) value *= -3;
  EXPECT_EQ(a.with_values(scaled)->nnz(), a.nnz());
}

TEST(EffectNorm, EqualsTheDenseProduct) {
  std::mt19937 random(5);
  // Few dense components, and many with hardly anything in them: the two ways of summing.
  for (const auto& [rank, density] : std::vector<std::pair<std::size_t, double>>{{4, 1}, {4, 0.1}, {600, 0.01}}) {
    auto a = normal_values(rank * 20, 1, random);
    auto b = normal_values(rank * 15, 1, random);
    std::bernoulli_distribution is_kept(density);
    for (auto& value : a) value = is_kept(random) ? value : 0;
    for (auto& value : b) value = is_kept(random) ? value : 0;
    const LoraPair pair{.id = {}, .scaling = -2, .a = factor_of(a, rank), .b = factor_of(b, rank)};
    double squared = 0;
    for (std::size_t o = 0; o < 15; ++o)
      for (std::size_t i = 0; i < 20; ++i) {
        double sum = 0;
        for (std::size_t r = 0; r < rank; ++r)
          sum += static_cast<double>(b[r * 15 + o]) * static_cast<double>(a[r * 20 + i]);
        squared += sum * sum;
      }
    EXPECT_NEAR(effect_norm(pair), 2 * std::sqrt(squared), 1e-6 * (1 + std::sqrt(squared)));
  }
}

}  // namespace
}  // namespace hyprstream
