// Gradients of every target module against differences of the loss.
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <random>
#include <vector>

#include "training/frozen_model.hpp"
#include "training/thread_pool.hpp"
#include "training/token_pass.hpp"
#include "training/trainable_adapter.hpp"
#include "training/transformer.hpp"
#include "training_support.hpp"

namespace hyprstream {
namespace {

using namespace testing_support;

struct Machinery {
  Machinery(const std::filesystem::path& path, std::size_t activation_bytes)
      : model(std::move(*FrozenModel::open(path))),
        pool(std::move(*ThreadPool::create(2))),
        adapter(std::move(*TrainableAdapter::create(random_adapter(path, 5)))),
        transformer(*model, *pool, activation_bytes, interrupted) {}

  double loss(const TokenPass& pass) {
    double sum = 0;
    for (const auto& prediction : *transformer.evaluate(pass, &adapter)) sum += prediction.loss;
    return sum / static_cast<double>(pass.predicting.size());
  }
  void compute_gradients(const TokenPass& pass) {
    std::ranges::fill(adapter.gradients(), 0.0F);
    ASSERT_TRUE(transformer.evaluate_with_gradients(pass, adapter, 1 / static_cast<float>(pass.predicting.size())));
  }

  std::unique_ptr<const FrozenModel> model;
  std::unique_ptr<ThreadPool> pool;
  TrainableAdapter adapter;
  std::atomic<bool> interrupted = false;
  Transformer transformer;
};

constexpr std::size_t kPlenty = std::size_t{1} << 30;

class Gradients : public testing::TestWithParam<const char*> {
 protected:
  ModelFile model_{small_model(GetParam())};
  TokenPass pass_ = make_token_pass(random_examples({19, 90, 5}, 300));
};

// Along a random direction in each factor, and so for every module in every layer.
TEST_P(Gradients, AreTheSlopesOfTheLoss) {
  Machinery machinery(model_.path(), kPlenty);
  machinery.compute_gradients(pass_);
  const std::vector<float> gradients(machinery.adapter.gradients().begin(), machinery.adapter.gradients().end());
  const std::vector<float> values(machinery.adapter.values().begin(), machinery.adapter.values().end());
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  ASSERT_EQ(machinery.adapter.pairs().size(), 21U);
  for (const auto& pair : machinery.adapter.pairs())
    for (const auto& factor : {pair.a, pair.b}) {
      std::vector<float> direction(values.size());
      double slope = 0, norm = 0;
      for (std::size_t i = 0; i < factor.width; ++i)
        for (std::size_t r = 0; r < factor.rank; ++r) {
          const std::size_t at = factor.begin + i * factor.stride + r;
          // Half random, half along the gradient: the slope is then well above the loss's rounding.
          direction[at] = normal(random);
          norm += static_cast<double>(gradients[at]) * static_cast<double>(gradients[at]);
        }
      const auto gain = static_cast<float>(1 / (std::sqrt(norm) + 1e-30));
      double length = 0;
      for (std::size_t at = factor.begin; at < factor.begin + factor.size(); ++at) {
        direction[at] = direction[at] / std::sqrt(static_cast<float>(factor.entries())) + gradients[at] * gain;
        length += static_cast<double>(direction[at]) * static_cast<double>(direction[at]);
      }
      const float step = 2e-3F / static_cast<float>(std::sqrt(length));
      for (std::size_t at = factor.begin; at < factor.begin + factor.size(); ++at)
        slope += static_cast<double>(direction[at]) * static_cast<double>(gradients[at]);
      const auto loss_at = [&](float distance) {
        for (std::size_t at = 0; at < values.size(); ++at)
          machinery.adapter.values()[at] = values[at] + distance * direction[at];
        return machinery.loss(pass_);
      };
      // Two differences of the fourth order.
      const double difference = (8 * (loss_at(step) - loss_at(-step)) - (loss_at(2 * step) - loss_at(-2 * step))) /
                                (12 * static_cast<double>(step));
      EXPECT_NEAR(slope, difference, 2e-3 * std::abs(difference) + 2e-5)
          << linear_weight_name(pair.id) << (factor.begin == pair.a.begin ? " A" : " B");
      loss_at(0);
    }
}

TEST_P(Gradients, AreTheSameWhenLayersAreComputedTwice) {
  Machinery kept(model_.path(), kPlenty), twice(model_.path(), 0);
  kept.compute_gradients(pass_);
  twice.compute_gradients(pass_);
  EXPECT_TRUE(std::ranges::equal(kept.adapter.gradients(), twice.adapter.gradients()));
}

TEST_P(Gradients, DoNotMixExamples) {
  const auto examples = random_examples({19, 90, 5}, 300);
  Machinery together(model_.path(), kPlenty), alone(model_.path(), kPlenty);
  together.compute_gradients(pass_);
  std::ranges::fill(alone.adapter.gradients(), 0.0F);
  const auto weight = 1 / static_cast<float>(pass_.predicting.size());
  for (const auto& example : examples)
    ASSERT_TRUE(alone.transformer.evaluate_with_gradients(make_token_pass({&example, 1}), alone.adapter, weight));
  double distance = 0, norm = 0;
  for (std::size_t i = 0; i < together.adapter.gradients().size(); ++i) {
    const auto a = static_cast<double>(together.adapter.gradients()[i]);
    const auto b = static_cast<double>(alone.adapter.gradients()[i]);
    distance += (a - b) * (a - b);
    norm += b * b;
  }
  EXPECT_LT(std::sqrt(distance / norm), 1e-5);
}

TEST_P(Gradients, OfSparseProductsAreThoseOfDenseOnes) {
  Machinery dense(model_.path(), kPlenty), sparse(model_.path(), kPlenty);
  std::mt19937 random(8);
  for (auto* machinery : {&dense, &sparse}) {
    random.seed(8);
    auto& adapter = machinery->adapter;
    for (std::size_t i = 0; i < adapter.values().size(); ++i) {
      adapter.alive()[i] = adapter.alive()[i] != 0 && random() % 12 == 0 ? 1 : 0;
      if (adapter.alive()[i] == 0) adapter.values()[i] = 0;
    }
  }
  sparse.adapter.follow_mask(true);
  dense.compute_gradients(pass_);
  sparse.compute_gradients(pass_);
  double distance = 0, norm = 0;
  for (std::size_t i = 0; i < dense.adapter.values().size(); ++i) {
    const auto a = static_cast<double>(dense.adapter.gradients()[i]);
    const auto b = static_cast<double>(sparse.adapter.gradients()[i]);
    if (dense.adapter.alive()[i] == 0) {
      ASSERT_EQ(b, 0);
      continue;
    }
    distance += (a - b) * (a - b);
    norm += a * a;
  }
  EXPECT_GT(norm, 0);
  EXPECT_LT(std::sqrt(distance / norm), 1e-5);
  EXPECT_NEAR(dense.loss(pass_), sparse.loss(pass_), 1e-5);
}

INSTANTIATE_TEST_SUITE_P(Architectures, Gradients, testing::Values("llama", "qwen2", "qwen3"));

}  // namespace
}  // namespace hyprstream
