// The generator of test models is a tool, but it is the writer's first user: tested with it.
#include "synthetic_model/synthetic_model.hpp"

#include <ggml.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "gguf/gguf_file.hpp"
#include "gguf/model_check.hpp"
#include "gguf/model_info.hpp"
#include "synthetic_model/random_weights.hpp"
#include "synthetic_model/synthetic_vocabulary.hpp"

namespace hyprstream {
namespace {

std::filesystem::path scratch(const std::string& name) { return std::filesystem::path(testing::TempDir()) / name; }

std::string bytes_of(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

TEST(SyntheticModel, EveryArchitectureAndTypeIsAModel) {
  for (const char* architecture : {"qwen3", "qwen2", "llama"}) {
    for (const auto type :
         {TensorType::kF32, TensorType::kF16, TensorType::kBF16, TensorType::kQ8_0, TensorType::kQ4_0}) {
      SyntheticModelSpec spec;
      spec.architecture = architecture;
      spec.type = type;
      const auto path = scratch("synthetic.gguf");
      const auto written = write_synthetic_model(spec, path);
      ASSERT_TRUE(written) << written.error().message;
      const auto file = GgufFile::open(path);
      ASSERT_TRUE(file) << file.error().message;
      const auto checked = check_model_file(*file);
      EXPECT_TRUE(checked) << checked.error().message;
      const auto info = read_model_info(*file);
      ASSERT_TRUE(info) << info.error().message;
      EXPECT_EQ(info->architecture, architecture);
      EXPECT_EQ(info->quantization, tensor_type_name(type));
      EXPECT_EQ(info->head_size, 16);
      EXPECT_EQ(info->vocabulary_size, 320);
    }
  }
}

TEST(SyntheticModel, SameSeedSameFile) {
  SyntheticModelSpec spec;
  spec.type = TensorType::kQ8_0;
  ASSERT_TRUE(write_synthetic_model(spec, scratch("seed_a.gguf")));
  ASSERT_TRUE(write_synthetic_model(spec, scratch("seed_b.gguf")));
  spec.seed = 2;
  ASSERT_TRUE(write_synthetic_model(spec, scratch("seed_c.gguf")));
  EXPECT_EQ(bytes_of(scratch("seed_a.gguf")), bytes_of(scratch("seed_b.gguf")));
  EXPECT_NE(bytes_of(scratch("seed_a.gguf")), bytes_of(scratch("seed_c.gguf")));
}

// ggml's own conversion says what the blocks hold.
TEST(SyntheticModel, WeightsHaveTheDeviationAskedFor) {
  constexpr std::size_t kCount = 32 * 4096;
  for (const auto type :
       {TensorType::kF32, TensorType::kF16, TensorType::kBF16, TensorType::kQ8_0, TensorType::kQ4_0}) {
    ASSERT_TRUE(can_be_random(type));
    SplitMix64 random(7);
    std::vector<std::byte> blocks;
    const std::size_t bytes = kCount / block_elements(type) * block_bytes(type);
    append_random_weights(type, 0.05F, bytes, random, blocks);
    ASSERT_EQ(blocks.size(), bytes);
    std::vector<float> values(kCount);
    if (type == TensorType::kF32)
      std::memcpy(values.data(), blocks.data(), bytes);
    else
      ggml_get_type_traits(static_cast<ggml_type>(type))->to_float(blocks.data(), values.data(), kCount);
    double sum = 0;
    double squares = 0;
    for (const float value : values) {
      sum += value;
      squares += static_cast<double>(value) * value;
    }
    const double mean = sum / kCount;
    EXPECT_NEAR(std::sqrt(squares / kCount - mean * mean), 0.05, 0.002) << tensor_type_name(type);
    EXPECT_NEAR(mean, 0.0, 0.006) << tensor_type_name(type);
  }
  EXPECT_FALSE(can_be_random(TensorType::kQ4_K));
}

TEST(SyntheticModel, TheVocabularyHoldsTogether) {
  for (const std::uint32_t size : {kMinVocabulary, 320U, 2000U, 151936U}) {
    const SyntheticVocabulary vocabulary = make_synthetic_vocabulary(size);
    ASSERT_EQ(vocabulary.tokens.size(), size);
    ASSERT_EQ(vocabulary.types.size(), size);
    EXPECT_EQ(vocabulary.merges.size(), size - kMinVocabulary);
    const std::set<std::string> unique(vocabulary.tokens.begin(), vocabulary.tokens.end());
    EXPECT_EQ(unique.size(), size);
    EXPECT_EQ(vocabulary.tokens[vocabulary.end_of_message], "<|im_end|>");
    for (std::size_t i = 0; i < vocabulary.merges.size(); ++i) {
      const std::string& merge = vocabulary.merges[i];
      const std::size_t space = merge.find(' ');
      ASSERT_TRUE(unique.contains(merge.substr(0, space))) << merge;
      ASSERT_TRUE(unique.contains(merge.substr(space + 1))) << merge;
      ASSERT_EQ(vocabulary.tokens[256 + i], merge.substr(0, space) + merge.substr(space + 1));
    }
  }
}

TEST(SyntheticModel, ShapesAndRefusals) {
  const auto large = synthetic_shape("qwen3-0.6b");
  ASSERT_TRUE(large);
  EXPECT_EQ(large->layers, 28U);
  EXPECT_EQ(large->hidden, 1024U);
  EXPECT_EQ(large->vocabulary, 151936U);
  EXPECT_EQ(synthetic_shape("qwen3-1.7b")->feed_forward, 6144U);
  EXPECT_EQ(synthetic_shape("huge").error().code, ErrorCode::kInvalidArgument);

  const auto refused = [](auto change) {
    SyntheticModelSpec spec;
    change(spec);
    const auto written = write_synthetic_model(spec, scratch("refused.gguf"));
    return !written && written.error().code == ErrorCode::kInvalidArgument &&
           !std::filesystem::exists(scratch("refused.gguf"));
  };
  EXPECT_TRUE(refused([](auto& s) { s.architecture = "gpt9"; }));
  EXPECT_TRUE(refused([](auto& s) { s.type = TensorType::kQ6_K; }));
  EXPECT_TRUE(refused([](auto& s) { s.layers = 0; }));
  EXPECT_TRUE(refused([](auto& s) { s.kv_heads = 3; }));
  EXPECT_TRUE(refused([](auto& s) { s.head_size = 15; }));
  EXPECT_TRUE(refused([](auto& s) { s.vocabulary = 258; }));
  EXPECT_TRUE(refused([](auto& s) {
    s.type = TensorType::kQ4_0;
    s.hidden = 72;
  }));
}

}  // namespace
}  // namespace hyprstream
