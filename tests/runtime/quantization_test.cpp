// Our conversions against the files that llama-quantize makes of the same weights.
#include "runtime/quantization.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <format>
#include <limits>
#include <string>
#include <vector>

#include "gguf/gguf_file.hpp"
#include "gguf/gguf_writer.hpp"
#include "runtime/linear_hook.hpp"
#include "synthetic_model/synthetic_model.hpp"

namespace hyprstream {
namespace {

// Every type that ggml makes without an importance matrix.
constexpr auto kTypes = std::to_array<TensorType>(
    {TensorType::kF32,    TensorType::kF16,   TensorType::kBF16,    TensorType::kQ1_0,  TensorType::kQ2_0,
     TensorType::kQ4_0,   TensorType::kQ4_1,  TensorType::kQ5_0,    TensorType::kQ5_1,  TensorType::kQ8_0,
     TensorType::kQ2_K,   TensorType::kQ3_K,  TensorType::kQ4_K,    TensorType::kQ5_K,  TensorType::kQ6_K,
     TensorType::kTQ1_0,  TensorType::kTQ2_0, TensorType::kMXFP4,   TensorType::kNVFP4, TensorType::kIQ4_NL,
     TensorType::kIQ4_XS, TensorType::kIQ3_S, TensorType::kIQ3_XXS, TensorType::kIQ2_S, TensorType::kIQ1_M});
// llama-quantize refuses the last ones, for their quality.
constexpr std::size_t kTypesOfLlamaQuantize = kTypes.size() - 3;

// The weight that is stored as kTypes[index].
std::string weight_of(std::size_t index) {
  return std::format("blk.{}.{}.weight", index / kLinearModuleCount,
                     gguf_linear_name(static_cast<LinearModule>(index % kLinearModuleCount)));
}

std::vector<float> all_rows(const GgufTensor& tensor) {
  std::vector<float> values(tensor.elements);
  EXPECT_TRUE(dequantize_rows(tensor, 0, values));
  return values;
}

class LlamaQuantize : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(testing::TempDir()) / std::format("hyprstream-quantization-{}", ::getpid());
    std::filesystem::create_directories(folder_);
    SyntheticModelSpec spec;
    spec.layers = (kTypes.size() + kLinearModuleCount - 1) / kLinearModuleCount;
    spec.hidden = spec.feed_forward = 256;  // the largest block
    spec.heads = 4;
    spec.kv_heads = 1;
    spec.head_size = 64;
    ASSERT_TRUE(write_synthetic_model(spec, folder_ / "f32.gguf"));
    std::string options = "--allow-requantize";
    for (std::size_t i = 0; i < kTypesOfLlamaQuantize; ++i) {
      const auto name = weight_of(i);
      options += std::format(" --tensor-type {}={}", name.substr(0, name.size() - std::string(".weight").size()),
                             tensor_type_name(kTypes[i]));
    }
    run(options, "f32.gguf", "mixed.gguf", "Q8_0");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void run(const std::string& options, const std::string& from, const std::string& to, const std::string& type) {
    const auto command =
        std::format("{} {} {} {} {} 2>&1 >{}", HYPRSTREAM_LLAMA_QUANTIZE, options, (folder_ / from).string(),
                    (folder_ / to).string(), type, (folder_ / "log").string());
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
  }
  GgufFile open(const std::string& name) {
    auto file = GgufFile::open(folder_ / name);
    if (!file) ADD_FAILURE() << file.error().message;
    return std::move(*file);
  }

  // f32.gguf with each of the weights in its type, by quantize().
  Result<void> write_ours(const GgufFile& original) {
    GgufWriter writer;
    for (const auto key : original.keys()) writer.set_value(key, *original.find(key));
    std::vector<std::vector<std::byte>> data;
    for (const auto& tensor : original.tensors()) {
      TensorType type = tensor.type;
      for (std::size_t i = 0; i < kTypes.size(); ++i)
        if (tensor.name == weight_of(i)) type = kTypes[i];
      HYPRSTREAM_TRY(writer.add_tensor(tensor.name, tensor.shape, type));
      data.emplace_back(*tensor_bytes(type, tensor.shape));
      HYPRSTREAM_TRY(quantize(type, tensor.shape[0], all_rows(tensor), data.back()));
    }
    return writer.finish(folder_ / "ours.gguf", [&](std::size_t i, TensorSink& sink) { return sink.write(data[i]); });
  }

  std::filesystem::path folder_;
};

TEST_F(LlamaQuantize, MakesTheSameBlocks) {
  const auto original = open("f32.gguf"), mixed = open("mixed.gguf");
  for (std::size_t i = 0; i < kTypesOfLlamaQuantize; ++i) {
    SCOPED_TRACE(std::format("{} as {}", weight_of(i), tensor_type_name(kTypes[i])));
    const auto* weight = original.find_tensor(weight_of(i));
    const auto* expected = mixed.find_tensor(weight_of(i));
    ASSERT_TRUE(weight != nullptr && expected != nullptr);
    ASSERT_EQ(expected->type, kTypes[i]);
    std::vector<std::byte> blocks(expected->data.size());
    const auto quantized = quantize(kTypes[i], weight->shape[0], all_rows(*weight), blocks);
    ASSERT_TRUE(quantized) << quantized.error().message;
    EXPECT_TRUE(std::ranges::equal(blocks, expected->data));
  }
}

TEST_F(LlamaQuantize, ReadsTheSameValues) {
  const auto written = write_ours(open("f32.gguf"));
  ASSERT_TRUE(written) << written.error().message;
  run("--allow-requantize", "ours.gguf", "back.gguf", "F32");
  const auto ours = open("ours.gguf"), back = open("back.gguf");
  for (std::size_t i = 0; i < kTypes.size(); ++i) {
    SCOPED_TRACE(std::format("{} as {}", weight_of(i), tensor_type_name(kTypes[i])));
    const auto* weight = ours.find_tensor(weight_of(i));
    const auto* expected = back.find_tensor(weight_of(i));
    ASSERT_TRUE(weight != nullptr && expected != nullptr);
    ASSERT_EQ(weight->type, kTypes[i]);
    ASSERT_EQ(expected->type, TensorType::kF32);
    const auto all = all_rows(*weight);
    EXPECT_EQ(all, all_rows(*expected));
    // A range of rows is those rows.
    const std::size_t width = weight->shape[0], rows = weight->shape[1];
    std::vector<float> some(3 * width);
    ASSERT_TRUE(dequantize_rows(*weight, rows - 3, some));
    EXPECT_TRUE(std::ranges::equal(some, std::span(all).last(3 * width)));
    EXPECT_FALSE(dequantize_rows(*weight, rows - 2, some));
    EXPECT_FALSE(dequantize_rows(*weight, std::numeric_limits<std::uint64_t>::max(), some));
  }
}

// Whoever changes one block of a row may leave the others as they are.
TEST_F(LlamaQuantize, ABlockDependsOnItselfAlone) {
  const auto original = open("f32.gguf");
  const auto values = all_rows(*original.find_tensor("blk.0.ffn_up.weight"));
  for (const TensorType type : kTypes) {
    const std::size_t elements = block_elements(type), bytes = block_bytes(type);
    std::vector<std::byte> together(values.size() / elements * bytes), alone(bytes);
    ASSERT_TRUE(quantize(type, 256, values, together));
    for (const std::size_t block : {std::size_t{0}, std::size_t{1}, values.size() / elements - 1}) {
      ASSERT_TRUE(quantize(type, elements, std::span(values).subspan(block * elements, elements), alone));
      EXPECT_TRUE(std::ranges::equal(alone, std::span(together).subspan(block * bytes, bytes)))
          << tensor_type_name(type) << " block " << block;
    }
  }
}

TEST(Quantization, RefusesWhatItCannotDo) {
  const std::vector<float> values(256, 0.5F);
  std::vector<float> read(256);
  for (const auto type : {TensorType::kI8, TensorType::kI16, TensorType::kI32, TensorType::kI64, TensorType::kF64,
                          TensorType::kQ8_1, TensorType::kQ8_K}) {
    std::vector<std::byte> blocks(256 / block_elements(type) * block_bytes(type));
    EXPECT_EQ(quantize(type, 256, values, blocks).error().code, ErrorCode::kUnsupported) << tensor_type_name(type);
    EXPECT_EQ(dequantize(type, blocks, read).error().code, ErrorCode::kUnsupported) << tensor_type_name(type);
  }
  // Can be read, but wants an importance matrix to be made.
  for (const auto type : {TensorType::kIQ2_XXS, TensorType::kIQ2_XS, TensorType::kIQ1_S}) {
    std::vector<std::byte> blocks(block_bytes(type));
    EXPECT_EQ(check_quantizable(type).error().code, ErrorCode::kUnsupported) << tensor_type_name(type);
    EXPECT_EQ(quantize(type, 256, values, blocks).error().code, ErrorCode::kUnsupported) << tensor_type_name(type);
    EXPECT_TRUE(dequantize(type, blocks, read)) << tensor_type_name(type);
  }
  // Every other type is one of those above.
  for (std::uint32_t number = 0; number < 64; ++number) {
    const auto type = tensor_type_from_number(number);
    if (!type) continue;
    EXPECT_EQ(check_quantizable(*type).has_value(), std::ranges::contains(kTypes, *type)) << tensor_type_name(*type);
  }
}

TEST(Quantization, RefusesSizesThatDoNotFit) {
  std::vector<float> values(64);
  std::vector<std::byte> blocks(2 * block_bytes(TensorType::kQ8_0));
  EXPECT_TRUE(quantize(TensorType::kQ8_0, 32, values, blocks));
  EXPECT_TRUE(quantize(TensorType::kQ8_0, 64, values, blocks));
  EXPECT_TRUE(quantize(TensorType::kQ8_0, 32, {}, {}));
  const auto refused = [&](std::size_t width, std::size_t count, std::size_t bytes) {
    const auto result =
        quantize(TensorType::kQ8_0, width, std::span(values).first(count), std::span(blocks).first(bytes));
    return !result && result.error().code == ErrorCode::kInvalidArgument;
  };
  EXPECT_TRUE(refused(0, 64, 68));
  EXPECT_TRUE(refused(16, 64, 68));  // rows of half a block
  EXPECT_TRUE(refused(64, 32, 34));
  EXPECT_TRUE(refused(32, 64, 67));
  EXPECT_TRUE(refused(32, 64, 34));
  EXPECT_TRUE(refused(32, 32, 68));
  EXPECT_FALSE(dequantize(TensorType::kQ8_0, blocks, std::span(values).first(63)));
  EXPECT_FALSE(dequantize(TensorType::kQ8_0, std::span(blocks).first(67), values));
}

// ggml answers some of these by ending the process.
TEST(Quantization, RefusesValuesThatNoBlockHolds) {
  for (const TensorType type : kTypes) {
    std::vector<std::byte> blocks(512 / block_elements(type) * block_bytes(type));
    for (const float bad : {NAN, INFINITY, -INFINITY, 3e38F, -65505.0F}) {
      std::vector<float> values(512, 0.5F);
      values[300] = bad;
      const bool wide = type == TensorType::kF32 || type == TensorType::kBF16;
      const auto result = quantize(type, 256, values, blocks);
      EXPECT_EQ(result.has_value(), wide && std::isfinite(bad)) << tensor_type_name(type) << ' ' << bad;
      if (!result) {
        EXPECT_EQ(result.error().code, ErrorCode::kInvalidArgument);
        EXPECT_NE(result.error().message.find("row 1, column 44"), std::string::npos) << result.error().message;
      }
    }
    // The largest that is let through.
    std::vector<float> values(512, 65504.0F);
    values[17] = -65504.0F;
    values[18] = 0;
    EXPECT_TRUE(quantize(type, 256, values, blocks)) << tensor_type_name(type);
  }
}

}  // namespace
}  // namespace hyprstream
