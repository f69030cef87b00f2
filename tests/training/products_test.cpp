// Products against sums in double precision.
#include "training/products.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>
#include <vector>

namespace hyprstream {
namespace {

std::vector<float> random_values(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (auto& value : values) value = normal(random);
  return values;
}

// To the nearest, ties to even: bit by bit, unlike the vectors' way.
float as_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto low = bits & 0xffffU;
  auto high = bits >> 16;
  if (low > 0x8000U || (low == 0x8000U && (high & 1U) != 0)) ++high;
  return std::bit_cast<float>(high << 16);
}

double exact_sum(const std::vector<float>& left, const std::vector<float>& right, std::size_t row, std::size_t column,
                 std::size_t depth, std::size_t columns) {
  double sum = 0;
  for (std::size_t k = 0; k < depth; ++k)
    sum += static_cast<double>(left[row * depth + k]) * static_cast<double>(right[k * columns + column]);
  return sum;
}

class Products : public testing::TestWithParam<std::tuple<std::size_t, std::size_t, std::size_t>> {};

TEST_P(Products, FloatsAreWhatSumsInDoublePrecisionGive) {
  const auto [rows, columns, depth] = GetParam();
  const auto left = random_values(rows * depth, 1), right = random_values(depth * columns, 2);
  std::vector<float> by_depth(left.size());
  for (std::size_t row = 0; row < rows; ++row)
    for (std::size_t k = 0; k < depth; ++k) by_depth[k * rows + row] = left[row * depth + k];
  for (const auto layout : {LeftLayout::kByRow, LeftLayout::kByDepth}) {
    const bool is_by_row = layout == LeftLayout::kByRow;
    auto result = random_values(rows * columns, 3);
    const auto before = result;
    multiply(Product<float>{.left = is_by_row ? left.data() : by_depth.data(),
                            .layout = layout,
                            .left_stride = is_by_row ? depth : rows,
                            .right = right.data(),
                            .right_stride = columns,
                            .result = result.data(),
                            .result_stride = columns,
                            .rows = rows,
                            .columns = columns,
                            .depth = depth,
                            .scale = 0.5F,
                            .accumulate = true});
    for (std::size_t row = 0; row < rows; ++row)
      for (std::size_t column = 0; column < columns; ++column) {
        const std::size_t at = row * columns + column;
        const double expected =
            0.5 * exact_sum(left, right, row, column, depth, columns) + static_cast<double>(before[at]);
        ASSERT_NEAR(result[at], expected, 1e-5 * static_cast<double>(depth)) << row << ' ' << column;
      }
  }
}

TEST_P(Products, PairsAreTheSameOfRoundedValues) {
  if (!has_bf16_products()) GTEST_SKIP() << "this processor has no BF16 products";
  const auto [some_rows, columns, some_depth] = GetParam();
  const std::size_t rows = round_up(some_rows, kRowGroup), depth = round_up(some_depth, 2);
  auto left = random_values(rows * depth, 1), right = random_values(depth * columns, 2);
  std::vector<Bf16Pair> packed(right.size() / 2), by_row(left.size() / 2), by_depth(left.size() / 2);
  pack_pairs(right.data(), columns, depth, columns, packed.data());
  convert_to_pairs(left.data(), left.size(), by_row.data());
  std::vector<float> turned(left.size());
  for (std::size_t row = 0; row < rows; ++row)
    for (std::size_t k = 0; k < depth; ++k) turned[k * rows + row] = left[row * depth + k];
  const std::size_t group = depth / 2 * kRowGroup;
  for (std::size_t k = 0; k < depth; k += 2)
    convert_to_groups(turned.data() + k * rows, turned.data() + (k + 1) * rows, rows, group,
                      by_depth.data() + k / 2 * kRowGroup);
  for (auto* side : {&left, &right})
    for (auto& value : *side) value = as_bf16(value);
  std::vector<float> result(rows * columns), other(rows * columns);
  Product<Bf16Pair> product{.left = by_row.data(),
                            .layout = LeftLayout::kByRow,
                            .left_stride = depth / 2,
                            .right = packed.data(),
                            .right_stride = columns,
                            .result = result.data(),
                            .result_stride = columns,
                            .rows = rows,
                            .columns = columns,
                            .depth = depth / 2};
  multiply(product);
  product.layout = LeftLayout::kByDepth;
  product.left_stride = kRowGroup;
  product.rows = kRowGroup;
  for (std::size_t row = 0; row < rows; row += kRowGroup) {
    product.left = by_depth.data() + row / kRowGroup * group;
    product.result = other.data() + row * columns;
    multiply(product);
  }
  EXPECT_EQ(result, other);
  for (std::size_t row = 0; row < rows; ++row)
    for (std::size_t column = 0; column < columns; ++column)
      ASSERT_NEAR(result[row * columns + column], exact_sum(left, right, row, column, depth, columns),
                  1e-5 * static_cast<double>(depth))
          << row << ' ' << column;
}

INSTANTIATE_TEST_SUITE_P(Shapes, Products,
                         testing::Values(std::tuple(1, 16, 1), std::tuple(8, 16, 32), std::tuple(13, 32, 7),
                                         std::tuple(64, 48, 256), std::tuple(30, 112, 33), std::tuple(17, 80, 128)));

}  // namespace
}  // namespace hyprstream
