// The sparse hook, llama.cpp's own adapters and really changed weights mean the same.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "adapter/base_model.hpp"
#include "adapter_engine/lora_engine.hpp"
#include "adapter_files/merge.hpp"
#include "fused_model.hpp"
#include "random_adapter.hpp"
#include "synthetic_model/synthetic_model.hpp"
#include "test_engine.hpp"

namespace hyprstream {
namespace {

using namespace testing_support;

// A file of this test, removed at its end.
class Scratch {
 public:
  explicit Scratch(const std::string& name)
      : path_(std::filesystem::temp_directory_path() / (std::to_string(::getpid()) + "-" + name)) {}
  ~Scratch() { std::filesystem::remove(path_); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

std::unique_ptr<LoraEngine> lora_engine(EngineOptions options, LoraRoute route) {
  const auto base = read_base_model(options.model_path);
  EXPECT_TRUE(base) << base.error().message;
  return LoraEngine::create(load(options), base.value(), route);
}

EngineOptions exact(const std::filesystem::path& model) {
  auto options = exact_options();
  options.model_path = model.string();
  return options;
}

// A copy of the model with W' in place of each target weight.
void write_changed_model(const std::filesystem::path& model, const AdapterList& adapters,
                         const std::filesystem::path& output) {
  std::vector<WeightedAdapter> weighted;
  for (const auto& [adapter, scale] : adapters) weighted.push_back({.adapter = adapter.get(), .scale = scale});
  const auto merged = merge_adapters(model, weighted, output, {});
  ASSERT_TRUE(merged) << merged.error().message;
}

std::vector<std::vector<Token>> random_prompts(int vocabulary) {
  std::mt19937 random(11);
  std::vector<std::vector<Token>> prompts;
  for (const std::size_t length : {1U, 2U, 9U, 40U}) {
    auto& prompt = prompts.emplace_back(length);
    for (auto& token : prompt) token = static_cast<Token>(random() % static_cast<unsigned>(vocabulary));
  }
  return prompts;
}

std::vector<std::vector<float>> all_logits(RuntimeEngine& engine, const std::vector<Token>& tokens) {
  std::vector<std::int32_t> outputs(tokens.size());
  for (std::size_t i = 0; i < outputs.size(); ++i) outputs[i] = static_cast<std::int32_t>(i);
  return logits_alone(engine, tokens, outputs);
}

// Kullback-Leibler divergence of b from a, in nats.
double kl(const std::vector<float>& a, const std::vector<float>& b) {
  const auto log_sum = [](const std::vector<float>& row) {
    const float most = *std::ranges::max_element(row);
    double sum = 0;
    for (const float value : row) sum += std::exp(static_cast<double>(value - most));
    return static_cast<double>(most) + std::log(sum);
  };
  const double norm_a = log_sum(a);
  const double norm_b = log_sum(b);
  double divergence = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double log_a = static_cast<double>(a[i]) - norm_a;
    divergence += std::exp(log_a) * (log_a - (static_cast<double>(b[i]) - norm_b));
  }
  return divergence;
}

void expect_three_ways_agree(const std::filesystem::path& model, double density, float size) {
  const auto base = read_base_model(model);
  ASSERT_TRUE(base) << base.error().message;
  const AdapterList adapters = {{random_adapter(*base, 16, density, 1, size), 1.0F},
                                {random_adapter(*base, 4, density, 2, size), -0.5F}};
  const Scratch changed("changed.gguf");
  write_changed_model(model, adapters, changed.path());
  const auto hooked = lora_engine(exact(model), LoraRoute::kHook);
  const auto native = lora_engine(exact(model), LoraRoute::kNative);
  const auto merged = load(exact(changed.path()));
  ASSERT_TRUE(hooked->set_default_adapters(adapters));
  ASSERT_TRUE(native->set_default_adapters(adapters));
  float effect = 0;
  // The second round goes through the graph on other ways than the first (linear_site.hpp).
  for (int round = 0; round < 2; ++round)
    for (const auto& prompt : random_prompts(hooked->model_info().vocabulary_size)) {
      const auto with_hook = all_logits(*hooked, prompt);
      const auto with_native = all_logits(*native, prompt);
      const auto with_weights = all_logits(*merged, prompt);
      ASSERT_TRUE(hooked->set_default_adapters({}));
      const auto without = all_logits(*hooked, prompt);
      ASSERT_TRUE(hooked->set_default_adapters(adapters));
      ASSERT_EQ(with_hook.size(), prompt.size());
      for (std::size_t i = 0; i < prompt.size(); ++i) {
        EXPECT_LE(max_difference(with_hook[i], with_native[i]), 1e-3F) << prompt.size() << " tokens, row " << i;
        EXPECT_LE(max_difference(with_hook[i], with_weights[i]), 1e-3F) << prompt.size() << " tokens, row " << i;
        effect = std::max(effect, max_difference(with_hook[i], without[i]));
      }
    }
  EXPECT_GT(effect, 0.1F) << "the adapters change too little to be told from none";
}

TEST(ThreeWays, AgreeOnTheBundledModel) { expect_three_ways_agree(HYPRSTREAM_F32_MODEL, 0.01, 0.3F); }

TEST(ThreeWays, AgreeOnADenseAdapter) { expect_three_ways_agree(HYPRSTREAM_F32_MODEL, 1, 0.02F); }

class Architecture : public testing::TestWithParam<const char*> {};

// Without norms on q and k (llama), and with biases (qwen2), other nodes follow the products.
TEST_P(Architecture, ThreeWaysAgree) {
  const Scratch model("model.gguf");
  ASSERT_TRUE(write_synthetic_model({.name = "three ways", .architecture = GetParam(), .layers = 3, .context = 1024},
                                    model.path()));
  expect_three_ways_agree(model.path(), 0.05, 0.2F);
}

INSTANTIATE_TEST_SUITE_P(ThreeWays, Architecture, testing::Values("qwen3", "qwen2", "llama"));

// A layout where q, k and v are one matrix: what is there works, and what is not is refused by name.
TEST(ThreeWays, FusedLayersAreRefusedAndOthersAgree) {
  const Scratch model("fused.gguf");
  write_fused_model(model.path());
  const auto base = read_base_model(model.path());
  ASSERT_TRUE(base) << base.error().message;
  for (const auto* name : {"q_proj", "v_proj", "gate_proj"}) {
    const auto refused = parse_target_modules(name, *base);
    ASSERT_FALSE(refused) << name;
    EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported);
    EXPECT_NE(refused.error().message.find("attn_qkv"), std::string::npos) << refused.error().message;
  }
  EXPECT_EQ(format_target_modules(*parse_target_modules("all", *base)), "o_proj,up_proj,down_proj");
  // One made for a model with q, k and v apart does not fit.
  const auto other = read_base_model(HYPRSTREAM_F32_MODEL);
  EXPECT_EQ(check_fits(*random_adapter(*other, 4, 0.1, 1), *base).error().code, ErrorCode::kUnsupported);
  expect_three_ways_agree(model.path(), 0.05, 0.2F);
}

// On quantized weights the ways differ in rounding only: Kullback-Leibler divergence per token.
TEST(ThreeWays, HookAndNativeAgreeOnQuantizedWeights) {
  auto options = bundled_options();
  options.deterministic = true;
  const auto hooked = lora_engine(options, LoraRoute::kHook);
  const auto native = lora_engine(options, LoraRoute::kNative);
  const AdapterList adapters = {{random_adapter(hooked->base_model(), 16, 0.01, 5, 0.3F), 1.0F}};
  ASSERT_TRUE(native->set_default_adapters(adapters));
  double sum = 0;
  double effect = 0;
  std::size_t tokens = 0;
  for (const auto& text : prompts()) {
    const auto prompt = tokens_of(*hooked, text);
    ASSERT_TRUE(hooked->set_default_adapters(adapters));
    const auto with_hook = all_logits(*hooked, prompt);
    ASSERT_TRUE(hooked->set_default_adapters({}));
    const auto without = all_logits(*hooked, prompt);
    const auto with_native = all_logits(*native, prompt);
    for (std::size_t i = 0; i < prompt.size(); ++i) {
      sum += kl(with_native[i], with_hook[i]);
      effect += kl(without[i], with_hook[i]);
    }
    tokens += prompt.size();
  }
  EXPECT_LE(sum / static_cast<double>(tokens), 1e-4);
  EXPECT_GT(effect / static_cast<double>(tokens), 0.01) << "the adapter changes too little to be told from none";
}

}  // namespace
}  // namespace hyprstream
