// The trainer's forward pass against libllama's.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>
#include <vector>

#include "test_engine.hpp"
#include "training/frozen_model.hpp"
#include "training/thread_pool.hpp"
#include "training/token_pass.hpp"
#include "training/transformer.hpp"
#include "training_support.hpp"

namespace hyprstream {
namespace {

using namespace testing_support;

constexpr std::size_t kActivationBytes = std::size_t{1} << 30;

// After each token of each example but its last, one example after the other.
std::vector<std::vector<float>> our_logits(const std::filesystem::path& path,
                                           const std::vector<TrainingExample>& examples, int threads) {
  const auto model = FrozenModel::open(path);
  EXPECT_TRUE(model) << model.error().message;
  const auto pool = ThreadPool::create(threads);
  const std::atomic<bool> interrupted = false;
  Transformer transformer(**model, **pool, kActivationBytes, interrupted);
  const auto logits = transformer.logits(make_token_pass(examples), nullptr);
  EXPECT_TRUE(logits);
  std::vector<std::vector<float>> rows;
  const auto width = static_cast<std::ptrdiff_t>((*model)->shape().vocabulary);
  for (auto at = logits->begin(); at != logits->end(); at += width) rows.emplace_back(at, at + width);
  return rows;
}

std::vector<std::vector<float>> llama_logits(const std::filesystem::path& path,
                                             const std::vector<TrainingExample>& examples) {
  auto options = exact_options();
  options.model_path = path.string();
  options.context_length = 512;
  const auto engine = load(options);
  std::vector<std::vector<float>> rows;
  for (const auto& example : examples) {
    std::vector<std::int32_t> outputs(example.tokens.size() - 1);
    std::ranges::iota(outputs, 0);
    rows.append_range(logits_alone(*engine, example.tokens, outputs));
  }
  return rows;
}

double log_sum(const std::vector<float>& row) {
  const float most = *std::ranges::max_element(row);
  double sum = 0;
  for (const float value : row) sum += std::exp(static_cast<double>(value - most));
  return static_cast<double>(most) + std::log(sum);
}

// Kullback-Leibler divergence of b from a, in nats.
double divergence(const std::vector<float>& a, const std::vector<float>& b) {
  const double sum_a = log_sum(a), sum_b = log_sum(b);
  double kl = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double log_p = static_cast<double>(a[i]) - sum_a, log_q = static_cast<double>(b[i]) - sum_b;
    kl += std::exp(log_p) * (log_p - log_q);
  }
  return kl;
}

class Forward : public testing::TestWithParam<const char*> {
 protected:
  // Long enough for several blocks of queries and of columns.
  std::vector<TrainingExample> examples() const { return random_examples({7, 150, 2, 33}, 300, 1); }
};

TEST_P(Forward, LogitsAreThoseOfLibllamaOnF32) {
  const ModelFile model(small_model(GetParam()));
  const auto ours = our_logits(model.path(), examples(), 2), theirs = llama_logits(model.path(), examples());
  ASSERT_EQ(ours.size(), theirs.size());
  for (std::size_t i = 0; i < ours.size(); ++i) ASSERT_LT(max_difference(ours[i], theirs[i]), 1e-3F) << i;
}

TEST_P(Forward, DistributionsAreThoseOfLibllamaOnQuantizedWeights) {
  for (const auto type : {TensorType::kQ8_0, TensorType::kQ4_0, TensorType::kF16, TensorType::kBF16}) {
    const ModelFile model(small_model(GetParam(), type));
    const auto ours = our_logits(model.path(), examples(), 2), theirs = llama_logits(model.path(), examples());
    ASSERT_EQ(ours.size(), theirs.size());
    double sum = 0;
    for (std::size_t i = 0; i < ours.size(); ++i) sum += divergence(theirs[i], ours[i]);
    EXPECT_LT(sum / static_cast<double>(ours.size()), 1e-3) << tensor_type_name(type);
  }
}

TEST_P(Forward, TheNumberOfThreadsChangesNoBit) {
  const ModelFile model(small_model(GetParam(), TensorType::kQ8_0));
  EXPECT_EQ(our_logits(model.path(), examples(), 1), our_logits(model.path(), examples(), 3));
}

INSTANTIATE_TEST_SUITE_P(Architectures, Forward, testing::Values("llama", "qwen2", "qwen3"));

TEST(ForwardOfTheBundledModel, IsThatOfLibllama) {
  const auto examples = random_examples({30, 60}, 2000, 1);
  const auto exact = our_logits(HYPRSTREAM_F32_MODEL, examples, 2);
  const auto theirs = llama_logits(HYPRSTREAM_F32_MODEL, examples);
  const auto quantized = our_logits(HYPRSTREAM_SOURCE_DIR "/models/hypr-tiny-q8_0.gguf", examples, 2);
  const auto theirs_quantized = llama_logits(HYPRSTREAM_SOURCE_DIR "/models/hypr-tiny-q8_0.gguf", examples);
  ASSERT_EQ(exact.size(), theirs.size());
  double sum = 0;
  for (std::size_t i = 0; i < exact.size(); ++i) {
    ASSERT_LT(max_difference(exact[i], theirs[i]), 1e-3F) << i;
    sum += divergence(theirs_quantized[i], quantized[i]);
  }
  EXPECT_LT(sum / static_cast<double>(exact.size()), 1e-3);
}

}  // namespace
}  // namespace hyprstream
