// PyTorch's logits against ours: tests/data/peft/README.md says where they come from.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <format>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string>
#include <vector>

#include "adapter/base_model.hpp"
#include "adapter_engine/lora_engine.hpp"
#include "adapter_files/import.hpp"
#include "adapter_files/merge.hpp"
#include "adapter_files/peft_directory.hpp"
#include "adapter_files/safetensors.hpp"
#include "gguf/gguf_file.hpp"
#include "runtime/quantization.hpp"
#include "test_engine.hpp"

namespace hyprstream {
namespace {

using namespace testing_support;

const std::filesystem::path kData = HYPRSTREAM_SOURCE_DIR "/tests/data/peft";
constexpr float kTolerance = 1e-3F;
constexpr std::array kAdapters = {"plain", "patterned", "bfloat16", "float16"};

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
  std::filesystem::path base() const { return folder() / "base.gguf"; }
  // Our import of PEFT's directory.
  std::shared_ptr<const LoraAdapter> imported(const std::string& adapter) const {
    auto read = read_peft_directory(folder() / adapter, *read_base_model(base()));
    if (!read) ADD_FAILURE() << read.error().message;
    return std::make_shared<const LoraAdapter>(std::move(*read));
  }
  void expect_same_logits(LoraRoute route) const {
    const auto engine = LoraEngine::create(load_exactly(base()), *read_base_model(base()), route);
    for (const auto* adapter : kAdapters) {
      ASSERT_TRUE(engine->set_default_adapters({{.adapter = imported(adapter)}}));
      EXPECT_LE(max_difference(all_logits(*engine), expected(adapter)), kTolerance) << adapter;
    }
    ASSERT_TRUE(engine->set_default_adapters({}));
    EXPECT_LE(max_difference(all_logits(*engine), expected("base")), kTolerance);
  }
  // base.gguf with the adapter merged into it.
  std::filesystem::path merged(const std::string& adapter) {
    const auto output = std::filesystem::path(testing::TempDir()) /
                        std::format("hyprstream-{}-{}-{}.gguf", GetParam(), adapter, ::getpid());
    outputs_.push_back(output);
    const auto lora = imported(adapter);
    const WeightedAdapter weighted{.adapter = lora.get()};
    const auto result = merge_adapters(base(), {&weighted, 1}, output, {});
    if (!result) ADD_FAILURE() << result.error().message;
    return output;
  }
  void TearDown() override {
    for (const auto& path : outputs_) std::filesystem::remove(path);
  }

 private:
  std::vector<std::filesystem::path> outputs_;
};

// The files themselves: without an adapter, and with weights that PyTorch changed.
TEST_P(PeftOracle, TheModelsAreTheOnesThatPyTorchRan) {
  EXPECT_LE(max_difference(all_logits(*load_exactly(folder() / "base.gguf")), expected("base")), kTolerance);
  EXPECT_LE(max_difference(all_logits(*load_exactly(folder() / "patterned-merged.gguf")), expected("patterned")),
            kTolerance);
  for (const auto* adapter : kAdapters) EXPECT_GT(max_difference(expected(adapter), expected("base")), 1.0F) << adapter;
}

TEST_P(PeftOracle, ImportedAdaptersThroughTheHook) { expect_same_logits(LoraRoute::kHook); }

TEST_P(PeftOracle, ImportedAdaptersThroughLlamaCpp) { expect_same_logits(LoraRoute::kNative); }

TEST_P(PeftOracle, ImportedAdaptersMerged) {
  for (const auto* adapter : kAdapters)
    EXPECT_LE(max_difference(all_logits(*load_exactly(merged(adapter))), expected(adapter)), kTolerance) << adapter;
}

// W' itself, in the converter's own layout.
TEST_P(PeftOracle, MergedWeightsArePyTorchs) {
  const auto ours = GgufFile::open(merged("patterned"));
  const auto theirs = GgufFile::open(folder() / "patterned-merged.gguf");
  ASSERT_TRUE(ours && theirs);
  ASSERT_EQ(ours->tensors().size(), theirs->tensors().size());
  for (const auto& tensor : theirs->tensors()) {
    const auto* other = ours->find_tensor(tensor.name);
    ASSERT_NE(other, nullptr) << tensor.name;
    ASSERT_EQ(tensor.elements, other->elements) << tensor.name;
    std::vector<float> expected_values(tensor.elements), values(tensor.elements);
    ASSERT_TRUE(dequantize(tensor.type, tensor.data, expected_values));
    ASSERT_TRUE(dequantize(other->type, other->data, values));
    float largest = 0;
    for (const float value : expected_values) largest = std::max(largest, std::abs(value));
    EXPECT_LE(max_difference(values, expected_values), 1e-6F * largest) << tensor.name;
  }
}

// Out and in again: PEFT's own files carry the same numbers, whatever the order of their rows.
TEST_P(PeftOracle, AnExportedAdapterHoldsTheSameMatrices) {
  const auto base = read_base_model(folder() / "base.gguf");
  ASSERT_TRUE(base) << base.error().message;
  const auto exported = std::filesystem::path(testing::TempDir()) / std::format("peft-{}-{}", GetParam(), ::getpid());
  const auto adapter = import_adapter(folder() / "patterned", *base);
  ASSERT_TRUE(adapter) << adapter.error().message;
  ASSERT_TRUE(write_peft_directory(*adapter, exported));
  const auto ours = SafetensorsFile::open(exported / kPeftWeights);
  const auto theirs = SafetensorsFile::open(folder() / "patterned" / kPeftWeights);
  ASSERT_TRUE(ours && theirs);
  ASSERT_EQ(ours->tensors().size(), theirs->tensors().size());
  for (const auto& tensor : theirs->tensors()) {
    const auto same = std::ranges::find(ours->tensors(), tensor.name, &SafeTensor::name);
    ASSERT_NE(same, ours->tensors().end()) << tensor.name;
    EXPECT_EQ(same->shape, tensor.shape) << tensor.name;
    EXPECT_TRUE(std::ranges::equal(same->bytes, tensor.bytes)) << tensor.name;
  }
  std::filesystem::remove_all(exported);
}

INSTANTIATE_TEST_SUITE_P(Architectures, PeftOracle, testing::Values("qwen3", "llama"),
                         [](const auto& parameter) { return parameter.param; });

}  // namespace
}  // namespace hyprstream
