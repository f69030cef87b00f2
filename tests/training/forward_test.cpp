// The trainer's forward pass against libllama's.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <string>
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

double mean_divergence(const std::vector<std::vector<float>>& a, const std::vector<std::vector<float>>& b) {
  if (a.size() != b.size() || a.empty()) return INFINITY;
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += divergence(a[i], b[i]);
  return sum / static_cast<double>(a.size());
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

TEST(ForwardOfStretchedPositions, LogitsAreThoseOfLibllama) {
  auto factors = small_model("llama");
  factors.most_rope_factor = 8;
  auto scaled = small_model("qwen3");
  scaled.rope_scaling = 4;
  const auto examples = random_examples({7, 150, 33}, 300, 1);
  for (auto spec : {factors, scaled}) {
    const ModelFile model(spec);
    const auto ours = our_logits(model.path(), examples, 2), theirs = llama_logits(model.path(), examples);
    ASSERT_EQ(ours.size(), theirs.size());
    for (std::size_t i = 0; i < ours.size(); ++i) ASSERT_LT(max_difference(ours[i], theirs[i]), 1e-3F) << i;
    spec.most_rope_factor = spec.rope_scaling = 1;
    const ModelFile unstretched(spec);
    EXPECT_GT(max_difference(our_logits(unstretched.path(), examples, 2).back(), ours.back()), 1e-2F);
  }
}

// libllama rounds activations to 8 bits before it multiplies with quantized weights, which moves the distributions of a
// random model by more than we ask for. So it gets the same weights as float32, by llama-quantize.
TEST_P(Forward, DistributionsAreThoseOfLibllamaOnQuantizedWeights) {
  for (const auto type : {TensorType::kQ8_0, TensorType::kQ4_0, TensorType::kF16, TensorType::kBF16}) {
    const ModelFile model(small_model(GetParam(), type));
    const auto exact = model.path().string() + ".f32";
    ASSERT_EQ(std::system((HYPRSTREAM_LLAMA_QUANTIZE " --allow-requantize " + model.path().string() + " " + exact +
                           " F32 >/dev/null 2>&1")
                              .c_str()),
              0);
    const auto ours = our_logits(model.path(), examples(), 2), theirs = llama_logits(exact, examples());
    std::filesystem::remove(exact);
    EXPECT_LT(mean_divergence(theirs, ours), 1e-3) << tensor_type_name(type);
  }
}

TEST_P(Forward, TheNumberOfThreadsChangesNoBit) {
  const ModelFile model(small_model(GetParam(), TensorType::kQ8_0));
  EXPECT_EQ(our_logits(model.path(), examples(), 1), our_logits(model.path(), examples(), 3));
}

INSTANTIATE_TEST_SUITE_P(Architectures, Forward, testing::Values("llama", "qwen2", "qwen3"));

TEST(ForwardOfTheBundledModel, IsThatOfLibllamaOnItsKindOfText) {
  const std::string path = HYPRSTREAM_SOURCE_DIR "/models/hypr-tiny-q8_0.gguf";
  std::ifstream file(HYPRSTREAM_SOURCE_DIR "/tests/data/validation.txt");
  const auto engine = load(bundled_options());
  std::vector<TrainingExample> examples;
  for (std::string line; examples.size() < 20 && std::getline(file, line);) {
    TrainingExample example{.tokens = tokens_of(*engine, line), .is_target = {}};
    if (example.tokens.size() < 2) continue;
    example.is_target.assign(example.tokens.size(), 1);
    examples.push_back(std::move(example));
  }
  ASSERT_EQ(examples.size(), 20U);
  EXPECT_LT(mean_divergence(llama_logits(path, examples), our_logits(path, examples, 2)), 1e-3);
  const auto ours = our_logits(HYPRSTREAM_F32_MODEL, examples, 2),
             theirs = llama_logits(HYPRSTREAM_F32_MODEL, examples);
  ASSERT_EQ(ours.size(), theirs.size());
  for (std::size_t i = 0; i < ours.size(); ++i) ASSERT_LT(max_difference(ours[i], theirs[i]), 1e-3F) << i;
}

}  // namespace
}  // namespace hyprstream
