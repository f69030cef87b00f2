// Our products of 4-bit weights within llama.cpp's graph, against ggml's own.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "kernels/q4_0_product.hpp"
#include "synthetic_model/synthetic_model.hpp"
#include "test_engine.hpp"

namespace hyprstream {
namespace {

using namespace testing_support;

// Both round to the same 8 bits and sum in another order. Where that tips a value over to the next of its 255 steps,
// the logits of this small random model move by some 1e-4 nats, as they do between ggml's own kernels for one and for
// four columns.
constexpr double kMostNats = 2e-3;

class FastProducts : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    auto name = std::string(testing::UnitTest::GetInstance()->current_test_info()->name());
    std::ranges::replace(name, '/', '-');
    path_ = std::filesystem::temp_directory_path() / (name + std::to_string(::getpid()) + ".gguf");
    SyntheticModelSpec spec{.architecture = GetParam(),
                            .layers = 3,
                            .hidden = 256,
                            .feed_forward = 512,
                            .heads = 4,
                            .kv_heads = 2,
                            .head_size = 64};
    spec.type = TensorType::kQ4_0;
    spec.vocabulary = 512;
    ASSERT_TRUE(write_synthetic_model(spec, path_));
  }
  void TearDown() override { std::filesystem::remove(path_); }

  std::unique_ptr<RuntimeEngine> engine(bool fast) const {
    auto options = bundled_options();
    options.model_path = path_.string();
    options.context_length = 512;
    options.fast_products = fast;
    return load(options);
  }

  std::filesystem::path path_;
};

std::vector<std::vector<float>> batch_of(RuntimeEngine& engine, std::size_t sequences) {
  std::vector<ScopedSequence> open;
  std::vector<std::vector<Token>> tokens;
  std::vector<std::int32_t> last;
  for (std::size_t i = 0; i < sequences; ++i) {
    open.push_back(ScopedSequence::open(engine).value());
    tokens.push_back(tokens_of(engine, prompts()[i]));
    last.push_back(static_cast<std::int32_t>(tokens[i].size()) - 1);
  }
  std::vector<StepInput> inputs;
  for (std::size_t i = 0; i < sequences; ++i) inputs.push_back({open[i].id(), tokens[i], {&last[i], 1}});
  std::vector<std::vector<float>> rows;
  for (int step = 0; step < 2; ++step) {  // the second one, of single tokens, keeps its graph in a third
    const auto output = engine.step(inputs);
    if (!output) return {};
    for (const auto row : output->logits) rows.emplace_back(row.begin(), row.end());
    for (std::size_t i = 0; i < sequences; ++i) {
      tokens[i] = {static_cast<Token>(i + 3)};
      last[i] = 0;
      inputs[i] = {open[i].id(), tokens[i], {&last[i], 1}};
    }
  }
  return rows;
}

double divergence(std::span<const float> from, std::span<const float> to) {
  const auto log_sum = [](std::span<const float> row) {
    double sum = 0;
    for (const float value : row) sum += std::exp(static_cast<double>(value));
    return std::log(sum);
  };
  const double a = log_sum(from);
  const double b = log_sum(to);
  double sum = 0;
  for (std::size_t i = 0; i < from.size(); ++i)
    sum += std::exp(static_cast<double>(from[i]) - a) *
           ((static_cast<double>(from[i]) - a) - (static_cast<double>(to[i]) - b));
  return sum;
}

TEST_P(FastProducts, MeanWhatGgmlMeans) {
  const auto fast = engine(true);
  const auto plain = engine(false);
  for (const std::size_t sequences : {1UZ, 2UZ, 5UZ, 8UZ}) {
    const auto ours = batch_of(*fast, sequences);
    const auto ggmls = batch_of(*plain, sequences);
    ASSERT_EQ(ours.size(), 2 * sequences);
    for (std::size_t i = 0; i < ours.size(); ++i) {
      EXPECT_LT(divergence(ggmls[i], ours[i]), kMostNats) << sequences << " sequences, row " << i;
    }
    // Sums in another order: if all bits were alike, ours would not be in use.
    EXPECT_TRUE(ours != ggmls || sequences == 1 || !has_fast_q4_product());
  }
}

// A hook still gets at every product, and what it adds arrives.
class Doubler final : public LinearHook {
 public:
  bool wants(LinearId) const noexcept override { return true; }
  void on_linear_output(const LinearOutput& linear) noexcept override {
    for (std::size_t c = 0; c < linear.columns.size(); ++c)
      for (std::size_t i = 0; i < linear.out; ++i) linear.output[c * linear.output_stride + i] *= 2;
  }
};

TEST_P(FastProducts, AreHookedLikeAnyOther) {
  const auto fast = engine(true);
  const auto plain = engine(false);
  Doubler hook;
  fast->set_linear_hook(&hook);
  plain->set_linear_hook(&hook);
  const auto ours = batch_of(*fast, 4);
  const auto ggmls = batch_of(*plain, 4);
  fast->set_linear_hook(nullptr);
  const auto unhooked = batch_of(*fast, 4);
  ASSERT_EQ(ours.size(), 8);
  for (std::size_t i = 0; i < ours.size(); ++i) {
    EXPECT_LT(divergence(ggmls[i], ours[i]), kMostNats) << i;
    EXPECT_GT(divergence(unhooked[i], ours[i]), 2 * kMostNats) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Architectures, FastProducts, testing::Values("qwen3", "qwen2", "llama"));

}  // namespace
}  // namespace hyprstream
