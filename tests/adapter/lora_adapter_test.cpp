#include "adapter/lora_adapter.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace hyprstream {
namespace {

using testing::HasSubstr;

LoraFactor random_factor(std::size_t rank, std::size_t width, double density, std::mt19937& random) {
  std::normal_distribution<float> normal;
  std::bernoulli_distribution is_there(density);
  std::vector<float> dense(rank * width);
  for (auto& value : dense)
    if (is_there(random)) value = normal(random);
  return LoraFactor::from_dense(dense, rank, width).value();
}

LoraPair random_pair(LinearId id, std::size_t rank, std::size_t in, std::size_t out, double density, unsigned seed) {
  std::mt19937 random(seed);
  return {.id = id,
          .scaling = 0.75F,
          .a = random_factor(rank, in, density, random),
          .b = random_factor(rank, out, density, random)};
}

AdapterDescription description() {
  AdapterDescription described;
  described.id = make_uuid();
  described.name = "tested";
  described.base.name = "small";
  described.base.architecture = "qwen3";
  described.rank = 3;
  return described;
}

LoraAdapter adapter_of(std::vector<LoraPair> pairs) {
  return LoraAdapter::create(description(), std::move(pairs)).value();
}

TEST(LoraAdapter, SortsAndCountsItsPairs) {
  const auto adapter = adapter_of({random_pair({1, LinearModule::kQ}, 3, 8, 6, 1, 1),
                                   random_pair({0, LinearModule::kDown}, 3, 5, 4, 0.5, 2),
                                   random_pair({0, LinearModule::kQ}, 3, 8, 6, 0, 3)});
  EXPECT_EQ(adapter.pairs()[0].id, (LinearId{0, LinearModule::kQ}));
  EXPECT_EQ(adapter.pairs()[1].id, (LinearId{0, LinearModule::kDown}));
  EXPECT_EQ(adapter.pairs()[2].id, (LinearId{1, LinearModule::kQ}));
  EXPECT_EQ(adapter.entries(), 3U * (14 + 9 + 14));
  EXPECT_EQ(adapter.nnz(), 3U * 14 + adapter.pairs()[1].nnz());
  EXPECT_DOUBLE_EQ(adapter.sparsity(), 1 - static_cast<double>(adapter.nnz()) / 111);
  EXPECT_EQ(adapter.dense_bytes(), 111 * sizeof(float));
  EXPECT_EQ(adapter.find({0, LinearModule::kDown}), &adapter.pairs()[1]);
  EXPECT_EQ(adapter.find({0, LinearModule::kK}), nullptr);
  EXPECT_EQ(adapter.find({2, LinearModule::kQ}), nullptr);
}

TEST(LoraAdapter, RefusesPairsThatMakeNoSense) {
  const auto expect_refused = [](std::vector<LoraPair> pairs, const char* part) {
    const auto made = LoraAdapter::create(description(), std::move(pairs));
    ASSERT_FALSE(made) << part;
    EXPECT_EQ(made.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(made.error().message, HasSubstr(part));
  };
  const auto pair = random_pair({1, LinearModule::kQ}, 3, 8, 6, 1, 1);
  expect_refused({}, "without any weights");
  expect_refused({pair, pair}, "blk.1.attn_q.weight is in the adapter twice");
  auto other = pair;
  other.b = LoraFactor::zero(2, 6);
  expect_refused({other}, "blk.1.attn_q.weight: A has rank 3 and B has rank 2");
  other = pair;
  other.scaling = std::numeric_limits<float>::infinity();
  expect_refused({other}, "the scaling is inf");
}

TEST(LoraAdapter, KnowsWhetherItChangesAnything) {
  // A has only component 0, B only component 1: the product is zero.
  LoraPair pair{.id = {},
                .scaling = 1,
                .a = LoraFactor::from_dense(std::vector<float>{1, 1, 0, 0}, 2, 2).value(),
                .b = LoraFactor::from_dense(std::vector<float>{0, 0, 1, 1}, 2, 2).value()};
  EXPECT_FALSE(pair.changes_anything());
  EXPECT_FALSE(adapter_of({pair}).changes_anything());
  pair.b = LoraFactor::from_dense(std::vector<float>{0, 1, 0, 0}, 2, 2).value();
  EXPECT_TRUE(adapter_of({pair}).changes_anything());
  pair.scaling = 0;
  EXPECT_FALSE(adapter_of({pair}).changes_anything());
}

TEST(LoraAdapter, ScalesAsThePapersSay) {
  EXPECT_DOUBLE_EQ(lora_scaling(16, 8, false), 2);
  EXPECT_DOUBLE_EQ(lora_scaling(16, 64, true), 2);
  EXPECT_DOUBLE_EQ(lora_scaling(0, 8, true), 0);
}

struct Shape {
  std::size_t rank, in, out;
  double density;
};
class ApplyToWeight : public testing::TestWithParam<Shape> {};

TEST_P(ApplyToWeight, EqualsTheDenseProduct) {
  const auto [rank, in, out, density] = GetParam();
  const auto pair = random_pair({0, LinearModule::kUp}, rank, in, out, density, 5);
  std::mt19937 random(6);
  std::normal_distribution<float> normal;
  std::vector<float> weight(in * out);
  for (auto& value : weight) value = normal(random);
  const auto a = pair.a.to_dense();
  const auto b = pair.b.to_dense();
  auto seen = weight;
  ASSERT_TRUE(apply_to_weight(pair, seen, -1.5F));
  for (std::size_t o = 0; o < out; ++o)
    for (std::size_t i = 0; i < in; ++i) {
      double delta = 0;
      for (std::size_t r = 0; r < rank; ++r)
        delta += static_cast<double>(b[r * out + o]) * static_cast<double>(a[r * in + i]);
      const double wanted = static_cast<double>(weight[o * in + i]) - 1.5 * 0.75 * delta;
      // One rounding to float, and what the order of the sum in double precision leaves.
      ASSERT_NEAR(seen[o * in + i], wanted, std::abs(wanted) * 0x1p-24 + 1e-12) << o << ' ' << i;
    }
}

INSTANTIATE_TEST_SUITE_P(Shapes, ApplyToWeight,
                         testing::Values(Shape{1, 1, 1, 1}, Shape{3, 7, 5, 1}, Shape{16, 64, 48, 0.01},
                                         Shape{16, 64, 48, 0.2}, Shape{40, 8, 12, 0.5}, Shape{4, 9, 9, 0}));

TEST(LoraAdapter, AppliesOnlyToAWeightOfItsShape) {
  std::vector<float> weight(7);
  const auto applied = apply_to_weight(random_pair({2, LinearModule::kV}, 1, 4, 2, 1, 1), weight);
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(applied.error().message, HasSubstr("7 values are no [2 x 4] weight of blk.2.attn_v.weight"));
}

TEST(LoraAdapter, SaysHowABaseDiffers) {
  const auto adapter = adapter_of(
      {random_pair({0, LinearModule::kQ}, 3, 8, 6, 1, 1), random_pair({1, LinearModule::kQ}, 3, 8, 6, 1, 1)});
  BaseModel base{.name = "other",
                 .architecture = "qwen3",
                 .header_sha256 = {},
                 .linears = {{{0, LinearModule::kQ}, 8, 6}, {{1, LinearModule::kQ}, 8, 6}},
                 .other_weights = {}};
  EXPECT_TRUE(check_fits(adapter, base));
  const auto expect_misfit = [&](const BaseModel& model, const char* part) {
    const auto fits = check_fits(adapter, model);
    ASSERT_FALSE(fits) << part;
    EXPECT_EQ(fits.error().code, ErrorCode::kUnsupported);
    EXPECT_EQ(fits.error().message, std::string("adapter 'tested' does not fit other: ") + part);
  };
  auto model = base;
  model.architecture = "llama";
  expect_misfit(model, "it was made for the architecture qwen3 (model small), and this is llama");
  model = base;
  model.linears.pop_back();
  expect_misfit(model, "the model has no blk.1.attn_q.weight");
  model = base;
  model.linears[1].in = 16;
  expect_misfit(model, "blk.1.attn_q.weight is [6 x 16] in this model, and the adapter was made for [6 x 8]");
}

}  // namespace
}  // namespace hyprstream
