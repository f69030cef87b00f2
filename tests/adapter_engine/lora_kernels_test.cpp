// The sparse kernels against the plain sum in double precision.
#include "adapter_engine/lora_kernels.hpp"

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <cmath>
#include <random>
#include <vector>

#include "random_adapter.hpp"

namespace hyprstream {
namespace {

using namespace testing_support;

struct Case {
  std::size_t rank, in, out;
  double density;  // of both factors
  std::size_t columns = 5;
};

class Kernel : public testing::TestWithParam<Case> {};

TEST_P(Kernel, EqualsTheDenseSum) {
  const auto [rank, in, out, density, columns] = GetParam();
  std::mt19937 random(7);
  const auto pair = random_pair({3, LinearModule::kUp}, rank, in, out, density, random);
  const std::size_t x_stride = in + 3;
  const std::size_t y_stride = out + 5;
  std::normal_distribution<float> normal;
  std::vector<float> x(columns * x_stride);
  std::vector<float> y(columns * y_stride);
  for (auto& value : x) value = normal(random);
  for (auto& value : y) value = normal(random);
  const float scale = -0.75F;
  const auto a = pair.a.to_dense();
  const auto b = pair.b.to_dense();

  // Every set of instructions that this machine has, the plainest one last.
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    auto seen = y;
    add_lora_delta(pair, scale, {x.data(), seen.data(), x_stride, y_stride, columns});
    hwy::SetSupportedTargetsForTest(0);
    for (std::size_t c = 0; c < columns; ++c) {
      std::vector<double> wanted(y.begin() + static_cast<std::ptrdiff_t>(c * y_stride),
                                 y.begin() + static_cast<std::ptrdiff_t>((c + 1) * y_stride));
      for (std::size_t r = 0; r < rank; ++r) {
        double h = 0;
        for (std::size_t i = 0; i < in; ++i)
          h += static_cast<double>(a[r * in + i]) * static_cast<double>(x[c * x_stride + i]);
        for (std::size_t o = 0; o < out; ++o)
          wanted[o] += static_cast<double>(scale * pair.scaling) * h * static_cast<double>(b[r * out + o]);
      }
      for (std::size_t o = 0; o < y_stride; ++o)
        ASSERT_NEAR(seen[c * y_stride + o], wanted[o], 2e-5 * std::sqrt(static_cast<double>(in * rank)))
            << hwy::TargetName(target) << " column " << c << " row " << o;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, Kernel,
                         testing::Values(Case{1, 1, 1, 1}, Case{1, 7, 33, 0.5}, Case{16, 256, 128, 0.01},
                                         Case{16, 1024, 2048, 0.01}, Case{8, 65, 67, 1}, Case{4, 300, 200, 0.4},
                                         Case{256, 64, 96, 0.02}, Case{3, 40, 40, 0}, Case{16, 256, 128, 0.01, 8},
                                         Case{16, 256, 300, 0.05, 19}, Case{300, 64, 96, 0.02, 16},
                                         Case{8, 65, 67, 1, 21}, Case{2, 33, 1, 0.1, 40}));

TEST(Kernel, ManyColumnsEqualEachAlone) {
  std::mt19937 random(3);
  const auto pair = random_pair({0, LinearModule::kQ}, 16, 512, 256, 0.05, random);
  std::normal_distribution<float> normal;
  std::vector<float> x(9 * 512);
  for (auto& value : x) value = normal(random);
  std::vector<float> together(9 * 256);
  add_lora_delta(pair, 1, {x.data(), together.data(), 512, 256, 9});
  for (std::size_t c = 0; c < 9; ++c) {
    std::vector<float> alone(256);
    add_lora_delta(pair, 1, {x.data() + c * 512, alone.data(), 512, 256, 1});
    for (std::size_t o = 0; o < 256; ++o) EXPECT_NEAR(alone[o], together[c * 256 + o], 1e-4) << c;
  }
}

}  // namespace
}  // namespace hyprstream
