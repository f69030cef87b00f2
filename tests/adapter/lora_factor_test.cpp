#include "adapter/lora_factor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <random>
#include <vector>

namespace hyprstream {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

TEST(LoraFactor, HoldsTheNonZerosByComponent) {
  const std::vector<float> dense{0, 1.5F, 0, -2, 0, 0, 0, 0, -0.0F, 0, 0, 3};
  const auto factor = LoraFactor::from_dense(dense, 3, 4);
  ASSERT_TRUE(factor) << factor.error().message;
  EXPECT_EQ(factor->rank(), 3U);
  EXPECT_EQ(factor->width(), 4U);
  EXPECT_EQ(factor->entries(), 12U);
  EXPECT_EQ(factor->nnz(), 3U);
  EXPECT_EQ(factor->bytes(), 4 * sizeof(std::uint32_t) + 3 * (sizeof(std::uint16_t) + sizeof(float)));
  EXPECT_THAT(factor->component(0).indices, ElementsAre(1, 3));
  EXPECT_THAT(factor->component(0).values, ElementsAre(1.5F, -2));
  EXPECT_TRUE(factor->component(1).values.empty());
  EXPECT_THAT(factor->component(2).indices, ElementsAre(3));
  EXPECT_EQ(factor->to_dense(), dense);
}

TEST(LoraFactor, GivesDenseMatricesBackBitByBit) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  for (const auto& [rank, width] : {std::pair<std::size_t, std::size_t>{1, 1}, {1, 65'536}, {65'536, 1}, {16, 333}}) {
    std::vector<float> dense(rank * width);
    for (auto& value : dense)
      if (random() % 3 == 0) value = normal(random);
    if (dense.size() > 1) dense.back() = std::numeric_limits<float>::denorm_min();
    const auto factor = LoraFactor::from_dense(dense, rank, width);
    ASSERT_TRUE(factor) << factor.error().message;
    EXPECT_EQ(factor->to_dense(), dense);
    EXPECT_TRUE(*factor == *LoraFactor::from_dense(factor->to_dense(), rank, width));
  }
}

TEST(LoraFactor, RefusesWhatIsNoMatrixOfNumbers) {
  const auto expect_refused = [](std::vector<float> dense, std::size_t rank, std::size_t width, const char* part) {
    const auto factor = LoraFactor::from_dense(dense, rank, width);
    ASSERT_FALSE(factor) << part;
    EXPECT_EQ(factor.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(factor.error().message, HasSubstr(part));
  };
  expect_refused({1, 2, kNan, 4}, 2, 2, "component 1 at 0 is nan");
  expect_refused({1, -kInfinity, 3, 4}, 2, 2, "component 0 at 1 is -inf");
  expect_refused({1, 2, 3}, 2, 2, "3 values are not a [2 x 2] matrix");
  expect_refused({}, 0, 4, "rank 0");
  expect_refused({}, 65'537, 0, "rank 65537");
  expect_refused({}, 1, 0, "width of 0");
  expect_refused(std::vector<float>(65'537), 1, 65'537, "width of 65537");
}

struct Arrays {
  std::size_t width = 4;
  std::vector<std::uint32_t> offsets{0, 2, 2, 3};
  std::vector<std::uint16_t> indices{1, 3, 0};
  std::vector<float> values{1, 2, 3};

  Result<LoraFactor> read() const { return LoraFactor::from_arrays(width, offsets, indices, values, nullptr); }
};

TEST(LoraFactor, ChecksArraysFromElsewhere) {
  const Arrays sound;
  const auto factor = sound.read();
  ASSERT_TRUE(factor) << factor.error().message;
  EXPECT_EQ(factor->to_dense(), (std::vector<float>{0, 1, 0, 2, 0, 0, 0, 0, 3, 0, 0, 0}));
  EXPECT_EQ(factor->values().data(), sound.values.data());  // not copied

  const auto expect_refused = [](const Arrays& arrays, const char* part) {
    const auto read = arrays.read();
    ASSERT_FALSE(read) << part;
    EXPECT_EQ(read.error().code, ErrorCode::kCorrupt);
    EXPECT_THAT(read.error().message, HasSubstr(part));
  };
  expect_refused({.width = 3}, "index 3 is outside a width of 3");
  expect_refused({.width = 65'537}, "width of 65537");
  expect_refused({.offsets = {}}, "without components");
  expect_refused({.offsets = {0}}, "rank 0");
  expect_refused({.offsets = {1, 2, 2, 3}}, "offsets");
  expect_refused({.offsets = {0, 2, 1, 3}}, "the offsets of component 1 are 2 and 1");
  expect_refused({.offsets = {0, 4, 2, 3}}, "component 0");
  expect_refused({.offsets = {0, 2, 2, 2}}, "end at 2");
  expect_refused({.indices = {1, 3}}, "2 indices");
  expect_refused({.indices = {3, 1, 0}}, "index 1 follows 3 in component 0");
  expect_refused({.indices = {1, 1, 0}}, "index 1 follows 1");
  expect_refused({.values = {1, kNan, 3}}, "component 0 at 3 is nan");
  expect_refused({.values = {1, 2, 0}}, "component 2 at 0 is 0");
}

TEST(LoraFactor, KeepsTheOwnerOfItsArrays) {
  auto arrays = std::make_shared<const Arrays>();
  const std::weak_ptr<const Arrays> watched = arrays;
  auto factor = LoraFactor::from_arrays(4, arrays->offsets, arrays->indices, arrays->values, arrays);
  arrays.reset();
  EXPECT_FALSE(watched.expired());
  auto copy = *factor;
  factor = LoraFactor::zero(1, 1);
  EXPECT_EQ(copy.values().back(), 3);
  copy = LoraFactor::zero(1, 1);
  EXPECT_TRUE(watched.expired());
}

TEST(LoraFactor, TakesOtherValuesInTheSamePlaces) {
  const Arrays arrays;
  const auto factor = arrays.read().value();
  EXPECT_EQ(factor.with_values(std::vector<float>{4, 0, 5})->to_dense(),
            (std::vector<float>{0, 4, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0}));
  EXPECT_EQ(factor.with_values(std::vector<float>{4, 0, 5})->nnz(), 2U);
  EXPECT_FALSE(factor.with_values(std::vector<float>{4, kNan, 5}));
  EXPECT_FALSE(factor.with_values(std::vector<float>{4, 5}));
}

TEST(LoraFactor, ZeroHoldsNothing) {
  const auto zero = LoraFactor::zero(3, 5);
  EXPECT_EQ(zero.rank(), 3U);
  EXPECT_EQ(zero.entries(), 15U);
  EXPECT_EQ(zero.nnz(), 0U);
  EXPECT_EQ(zero.to_dense(), std::vector<float>(15));
}

}  // namespace
}  // namespace hyprstream
