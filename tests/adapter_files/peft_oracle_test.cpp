// PyTorch's logits against ours: tests/data/peft/README.md says where they come from.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string>
#include <vector>

#include "test_engine.hpp"

namespace hyprstream {
namespace {

using namespace testing_support;

const std::filesystem::path kData = HYPRSTREAM_SOURCE_DIR "/tests/data/peft";
constexpr float kTolerance = 1e-3F;

std::vector<std::vector<Token>> token_prompts() {
  std::ifstream file(kData / "prompts.json");
  return nlohmann::json::parse(file).get<std::vector<std::vector<Token>>>();
}

std::vector<float> read_floats(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), {});
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  return values;
}

// After each token of each prompt, as in the files.
std::vector<float> all_logits(RuntimeEngine& engine) {
  std::vector<float> all;
  for (const auto& prompt : token_prompts()) {
    std::vector<std::int32_t> outputs(prompt.size());
    std::ranges::iota(outputs, 0);
    for (const auto& row : logits_alone(engine, prompt, outputs)) all.insert(all.end(), row.begin(), row.end());
  }
  return all;
}

std::unique_ptr<RuntimeEngine> load_exactly(const std::filesystem::path& model) {
  auto options = exact_options();
  options.model_path = model;
  options.context_length = 128;
  return load(options);
}

class PeftOracle : public testing::TestWithParam<std::string> {
 protected:
  std::filesystem::path folder() const { return kData / GetParam(); }
  std::vector<float> expected(const std::string& adapter) const {
    const auto values = read_floats(folder() / "logits" / (adapter + ".f32"));
    EXPECT_EQ(values.size(), 25U * 288);
    return values;
  }
};

// The files themselves: without an adapter, and with weights that PyTorch changed.
TEST_P(PeftOracle, TheModelsAreTheOnesThatPyTorchRan) {
  EXPECT_LE(max_difference(all_logits(*load_exactly(folder() / "base.gguf")), expected("base")), kTolerance);
  EXPECT_LE(max_difference(all_logits(*load_exactly(folder() / "patterned-merged.gguf")), expected("patterned")),
            kTolerance);
  for (const auto* adapter : {"plain", "patterned", "bfloat16", "float16"})
    EXPECT_GT(max_difference(expected(adapter), expected("base")), 1.0F) << adapter;
}

INSTANTIATE_TEST_SUITE_P(Architectures, PeftOracle, testing::Values("qwen3", "llama"),
                         [](const auto& parameter) { return parameter.param; });

}  // namespace
}  // namespace hyprstream
