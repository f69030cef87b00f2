// Each operation's gradient against differences in double precision.
#include "training/feature_ops.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>
#include <vector>

#include "training/products.hpp"

namespace hyprstream {
namespace {

constexpr std::size_t kFeatures = 24, kColumns = 32;
using Values = std::vector<double>;

std::vector<float> random_values(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (auto& value : values) value = normal(random);
  return values;
}

Values widened(const std::vector<float>& values) { return {values.begin(), values.end()}; }

// The gradient of sum(weights * f(x)) by x, by differences.
Values slopes(const std::function<Values(const Values&)>& f, const Values& x, const std::vector<float>& weights) {
  constexpr double kStep = 1e-5;
  const auto total = [&](const Values& at) {
    const auto y = f(at);
    double sum = 0;
    for (std::size_t i = 0; i < y.size(); ++i) sum += y[i] * static_cast<double>(weights[i]);
    return sum;
  };
  Values result(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    auto up = x, down = x;
    up[i] += kStep;
    down[i] -= kStep;
    result[i] = (total(up) - total(down)) / (2 * kStep);
  }
  return result;
}

void expect_near(const std::vector<float>& values, const Values& expected, double tolerance = 1e-4) {
  ASSERT_EQ(values.size(), expected.size());
  for (std::size_t i = 0; i < values.size(); ++i) ASSERT_NEAR(values[i], expected[i], tolerance) << i;
}

Activations matrix(std::vector<float>& values, std::size_t features = kFeatures) {
  return {values.data(), features, kColumns, kColumns};
}
ConstActivations matrix(const std::vector<float>& values, std::size_t features = kFeatures) {
  return {values.data(), features, kColumns, kColumns};
}

TEST(FeatureOps, RmsNorm) {
  const auto x = random_values(kFeatures * kColumns, 1), weight = random_values(kFeatures, 2),
             dy = random_values(kFeatures * kColumns, 3);
  const auto reference = [&](const Values& at) {
    Values y(at.size());
    for (std::size_t c = 0; c < kColumns; ++c) {
      double sum = 0;
      for (std::size_t f = 0; f < kFeatures; ++f) sum += at[f * kColumns + c] * at[f * kColumns + c];
      for (std::size_t f = 0; f < kFeatures; ++f)
        y[f * kColumns + c] = static_cast<double>(weight[f]) * at[f * kColumns + c] / std::sqrt(sum / kFeatures + 0.01);
    }
    return y;
  };
  std::vector<float> y(x.size()), dx(x.size(), 1.0F);
  rms_norm(matrix(x), weight, 0.01F, matrix(y));
  expect_near(y, reference(widened(x)));
  rms_norm_backward(matrix(x), weight, 0.01F, matrix(dy), matrix(dx), true);
  auto expected = slopes(reference, widened(x), dy);
  for (auto& value : expected) value += 1;
  expect_near(dx, expected);
  auto in_place = dy;
  rms_norm_backward(matrix(x), weight, 0.01F, matrix(in_place), matrix(in_place), false);
  for (std::size_t i = 0; i < dx.size(); ++i) ASSERT_NEAR(in_place[i], dx[i] - 1, 1e-5F);
}

TEST(FeatureOps, SwiGlu) {
  const std::size_t count = kFeatures * kColumns;
  auto gate = random_values(count, 1), up = random_values(count, 2);
  const auto dy = random_values(count, 3);
  // Where exp() ends.
  gate[0] = 200;
  gate[1] = -200;
  const auto reference = [&](const Values& at) {
    Values y(count);
    for (std::size_t i = 0; i < count; ++i) y[i] = at[i] / (1 + std::exp(-at[i])) * at[count + i];
    return y;
  };
  std::vector<float> y(count), dup(count);
  swiglu(gate.data(), up.data(), count, y.data());
  auto both = widened(gate);
  both.append_range(up);
  expect_near(y, reference(both), 1e-3);
  auto gradient = dy;
  swiglu_backward(gate.data(), up.data(), count, gradient.data(), dup.data());
  gradient.append_range(dup);
  expect_near(gradient, slopes(reference, both, dy), 2e-3);
}

TEST(FeatureOps, RotationTurnsPairsAndBack) {
  const std::size_t pairs = kFeatures / 2 - 2;  // the last features stay as they are
  std::vector<float> cosines(pairs * kColumns), sines(pairs * kColumns);
  for (std::size_t i = 0; i < cosines.size(); ++i) {
    cosines[i] = std::cos(static_cast<float>(i));
    sines[i] = std::sin(static_cast<float>(i));
  }
  for (const bool is_interleaved : {false, true}) {
    const Rotation rotation{cosines.data(), sines.data(), pairs, kColumns, is_interleaved};
    const auto x = random_values(kFeatures * kColumns, 1);
    auto y = x;
    rotate(rotation, false, matrix(y));
    for (std::size_t i = 0; i < pairs; ++i)
      for (std::size_t c = 0; c < kColumns; ++c) {
        const std::size_t first = (is_interleaved ? 2 * i : i) * kColumns + c;
        const std::size_t second = first + (is_interleaved ? 1 : pairs) * kColumns, at = i * kColumns + c;
        ASSERT_NEAR(y[first], x[first] * cosines[at] - x[second] * sines[at], 1e-6F);
        ASSERT_NEAR(y[second], x[first] * sines[at] + x[second] * cosines[at], 1e-6F);
      }
    EXPECT_TRUE(std::equal(y.end() - 4 * kColumns, y.end(), x.end() - 4 * kColumns));
    rotate(rotation, true, matrix(y));
    expect_near(y, widened(x), 1e-5);
  }
}

TEST(FeatureOps, CausalSoftmax) {
  constexpr std::size_t kFirst = 3;  // position of the first query; the last keys are seen by none of the first ones
  const auto x = random_values(kFeatures * kColumns, 1), dy = random_values(kFeatures * kColumns, 3);
  const auto reference = [&](const Values& at) {
    Values y(at.size());
    for (std::size_t c = 0; c < kColumns; ++c) {
      double sum = 0;
      for (std::size_t key = 0; key < std::min(kFeatures, kFirst + c + 1); ++key)
        sum += std::exp(at[key * kColumns + c]);
      for (std::size_t key = 0; key < std::min(kFeatures, kFirst + c + 1); ++key)
        y[key * kColumns + c] = std::exp(at[key * kColumns + c]) / sum;
    }
    return y;
  };
  auto y = x;
  causal_softmax(matrix(y), kFirst);
  expect_near(y, reference(widened(x)));
  auto gradient = dy;
  softmax_backward(matrix(std::as_const(y)), 0.25F, matrix(gradient));
  auto expected = slopes(reference, widened(x), dy);
  for (auto& value : expected) value *= 0.25;
  expect_near(gradient, expected);
}

TEST(FeatureOps, CrossEntropy) {
  constexpr std::size_t kVocabulary = 700;
  auto x = random_values(kVocabulary * kColumns, 1);
  std::vector<std::int32_t> targets(kColumns);
  for (std::size_t c = 0; c < kColumns; ++c) targets[c] = static_cast<std::int32_t>(c * 20);
  targets[5] = -1;
  x[static_cast<std::size_t>(targets[7]) * kColumns + 7] = 30;  // a sure one
  const auto before = widened(x);
  std::vector<double> losses(kColumns);
  std::vector<std::uint8_t> hits(kColumns);
  cross_entropy(matrix(x, kVocabulary), targets, 0.5F, losses, hits);
  for (std::size_t c = 0; c < kColumns; ++c) {
    double sum = 0, most = -1e9;
    for (std::size_t row = 0; row < kVocabulary; ++row) {
      sum += std::exp(before[row * kColumns + c]);
      most = std::max(most, before[row * kColumns + c]);
    }
    const bool counts = targets[c] >= 0;
    const auto target = static_cast<std::size_t>(std::max(targets[c], 0));
    const double logit = before[target * kColumns + c];
    EXPECT_NEAR(losses[c], counts ? std::log(sum) - logit : 0, 1e-5);
    EXPECT_EQ(hits[c], counts && logit == most ? 1 : 0);
    for (std::size_t row = 0; row < kVocabulary; ++row) {
      const double p = std::exp(before[row * kColumns + c]) / sum;
      ASSERT_NEAR(x[row * kColumns + c], counts ? 0.5 * (p - (row == target ? 1 : 0)) : 0, 1e-6);
    }
  }
}

TEST(FeatureOps, AdamFollowsItsDefinition) {
  constexpr std::size_t kCount = 37;
  auto values = random_values(kCount, 1);
  std::vector<float> first(kCount), second(kCount);
  Values value = widened(values), m(kCount), v(kCount);
  for (int t = 1; t <= 5; ++t) {
    const auto gradients = random_values(kCount, static_cast<unsigned>(t + 10));
    AdamStep step{.learning_rate = 0.01F, .beta1 = 0.9F, .beta2 = 0.99F, .epsilon = 1e-8F, .decay = 0.01F * 0.1F};
    step.correction1 = static_cast<float>(1 / (1 - std::pow(0.9, t)));
    step.sqrt_correction2 = static_cast<float>(1 / std::sqrt(1 - std::pow(0.99, t)));
    step.gradient_scale = 0.5F;
    adam_update(step, gradients, values, first, second);
    for (std::size_t i = 0; i < kCount; ++i) {
      const double g = 0.5 * static_cast<double>(gradients[i]);
      m[i] = 0.9 * m[i] + 0.1 * g;
      v[i] = 0.99 * v[i] + 0.01 * g * g;
      value[i] -= 0.01 * 0.1 * value[i];
      value[i] -= 0.01 * (m[i] / (1 - std::pow(0.9, t))) / (std::sqrt(v[i] / (1 - std::pow(0.99, t))) + 1e-8);
    }
  }
  expect_near(values, value, 1e-5);
}

TEST(FeatureOps, SumsOfSquares) {
  const auto values = random_values(10'037, 4);
  double expected = 0;
  for (const float value : values) expected += static_cast<double>(value) * static_cast<double>(value);
  EXPECT_NEAR(sum_of_squares(values), expected, 1e-6 * expected);
}

}  // namespace
}  // namespace hyprstream
