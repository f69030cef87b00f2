// Products of 4-bit weights against plain sums: exactly where the arithmetic is exact, in double precision elsewhere.
#include "kernels/q4_0_product.hpp"

#include <gtest/gtest.h>
#include <hwy/base.h>
#include <hwy/targets.h>

#include <cmath>
#include <functional>
#include <random>
#include <vector>

namespace hyprstream {
namespace {

struct Shape {
  std::size_t in, out, columns;
};

// Weights with random bits and scales, as they lie in memory.
std::vector<Q4RowGroupBlock> random_weights(const Shape& shape, std::mt19937& random,
                                            const std::function<float()>& scale) {
  std::vector<Q4RowGroupBlock> weights(shape.out / kQ4RowGroup * shape.in / kQ4BlockSize);
  for (auto& block : weights) {
    for (auto& value : block.scales) value = hwy::BitCastScalar<std::uint16_t>(hwy::F16FromF32(scale()));
    for (auto& byte : block.nibbles) byte = static_cast<std::uint8_t>(random());
  }
  return weights;
}

// Weight (row, i) as GGUF's Q4_0 means it.
double weight_at(const std::vector<Q4RowGroupBlock>& weights, std::size_t in, std::size_t row, std::size_t i) {
  const auto& block = weights[row / kQ4RowGroup * (in / kQ4BlockSize) + i / kQ4BlockSize];
  const std::size_t j = i % kQ4BlockSize;
  const std::size_t byte = j % 16;
  const int both = block.nibbles[byte / 8 * 64 + row % kQ4RowGroup * 8 + byte % 8] ^ 0x88;
  const int q = j < 16 ? both & 15 : both >> 4;
  return static_cast<double>(hwy::F32FromF16(hwy::BitCastScalar<hwy::float16_t>(block.scales[row % kQ4RowGroup]))) *
         (q - 8);
}

// Runs `check` on the product with every set of instructions that this machine has, cut into pieces of work as several
// threads would.
void multiply_everywhere(Q4Product product, std::size_t pieces, const std::function<void(const char* target)>& check) {
  std::vector<ColumnTileBlock> tiles(product.tiles() * product.blocks());
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    for (std::size_t p = 0; p < pieces; ++p) {
      const std::size_t begin = tiles.size() * p / pieces;
      quantize_columns(product, begin, tiles.size() * (p + 1) / pieces - begin, tiles.data());
    }
    for (std::size_t p = 0; p < pieces; ++p) {
      const std::size_t begin = product.row_groups() * p / pieces;
      multiply_row_groups(product, begin, product.row_groups() * (p + 1) / pieces - begin, tiles.data());
    }
    hwy::SetSupportedTargetsForTest(0);
    check(hwy::TargetName(target));
  }
}

class Q4ProductTest : public testing::TestWithParam<Shape> {};

// With whole numbers up to 127, one of which is 127 in each block, rounding to 8 bits changes nothing, and all sums are
// exact.
TEST_P(Q4ProductTest, IsExactOnWholeNumbers) {
  const auto shape = GetParam();
  std::mt19937 random(1);
  const auto weights = random_weights(shape, random, [] { return 1.0F; });
  const std::size_t x_stride = shape.in + 5;
  const std::size_t y_stride = shape.out + 3;
  std::vector<float> x(shape.columns * x_stride);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(static_cast<int>(random() % 255) - 127);
  for (std::size_t c = 0; c < shape.columns; ++c)
    for (std::size_t b = 0; b < shape.in; b += kQ4BlockSize) x[c * x_stride + b + random() % kQ4BlockSize] = -127;
  std::vector<float> y(shape.columns * y_stride, -1);
  multiply_everywhere({weights.data(), shape.in, shape.out, x.data(), x_stride, y.data(), y_stride, shape.columns}, 3,
                      [&](const char* target) {
                        for (std::size_t c = 0; c < shape.columns; ++c) {
                          for (std::size_t row = 0; row < shape.out; ++row) {
                            double sum = 0;
                            for (std::size_t i = 0; i < shape.in; ++i)
                              sum += weight_at(weights, shape.in, row, i) * static_cast<double>(x[c * x_stride + i]);
                            ASSERT_EQ(y[c * y_stride + row], static_cast<float>(sum))
                                << target << " column " << c << " row " << row;
                          }
                          for (std::size_t i = shape.out; i < y_stride; ++i)
                            ASSERT_EQ(y[c * y_stride + i], -1) << target;
                        }
                        std::ranges::fill(y, -1.0F);
                      });
}

TEST_P(Q4ProductTest, IsCloseOnRealNumbers) {
  const auto shape = GetParam();
  std::mt19937 random(2);
  std::uniform_real_distribution<float> scale(0.001F, 0.1F);
  std::normal_distribution<float> normal;
  const auto weights = random_weights(shape, random, [&] { return scale(random); });
  std::vector<float> x(shape.columns * shape.in);
  for (auto& value : x) value = normal(random);
  std::vector<float> y(shape.columns * shape.out);
  multiply_everywhere({weights.data(), shape.in, shape.out, x.data(), shape.in, y.data(), shape.out, shape.columns}, 2,
                      [&](const char* target) {
                        for (std::size_t c = 0; c < shape.columns; ++c)
                          for (std::size_t row = 0; row < shape.out; ++row) {
                            double sum = 0;
                            double bound =
                                0;  // rounding to 8 bits moves a value by half of 1/127 of its block's largest
                            for (std::size_t i = 0; i < shape.in; ++i) {
                              const double weight = weight_at(weights, shape.in, row, i);
                              sum += weight * static_cast<double>(x[c * shape.in + i]);
                              bound += std::abs(weight) * 5 / 254;
                            }
                            ASSERT_NEAR(y[c * shape.out + row], sum, bound + 1e-4) << target;
                          }
                        std::ranges::fill(y, 0.0F);
                      });
}

INSTANTIATE_TEST_SUITE_P(Shapes, Q4ProductTest,
                         testing::Values(Shape{32, 8, 1}, Shape{32, 8, 2}, Shape{64, 24, 3}, Shape{96, 16, 4},
                                         Shape{256, 40, 5}, Shape{256, 64, 7}, Shape{512, 32, 8}, Shape{1024, 16, 9},
                                         Shape{3072, 24, 16}, Shape{288, 136, 21}));

TEST(Q4ProductTest, ZerosStayZerosAndNothingElseIsTouched) {
  std::mt19937 random(3);
  const Shape shape{64, 16, 2};
  const auto weights = random_weights(shape, random, [] { return 0.5F; });
  const std::vector<float> x(shape.columns * shape.in);
  std::vector<float> y(shape.columns * shape.out, 7);
  multiply_everywhere({weights.data(), shape.in, shape.out, x.data(), shape.in, y.data(), shape.out, shape.columns}, 1,
                      [&](const char* target) {
                        for (const float value : y) ASSERT_EQ(value, 0) << target;
                        std::ranges::fill(y, 7.0F);
                      });
}

}  // namespace
}  // namespace hyprstream
