#include "gguf/model_info.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "gguf/gguf_writer.hpp"
#include "gguf/model_check.hpp"

namespace hyprstream {
namespace {

using testing::HasSubstr;

class ModelInfoTest : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = std::filesystem::path(testing::TempDir()) /
                 (std::string("model_info_") + testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  // Writes the file with zeroed tensors and reads its info.
  Result<ModelInfo> info_of(const GgufWriter& writer, const char* name = "some model.gguf") {
    write(writer, name);
    return read(name);
  }
  void write(const GgufWriter& writer, const char* name) {
    const auto written = writer.finish(directory_ / name, [](std::size_t, TensorSink& sink) {
      return sink.write(std::vector<std::byte>(sink.remaining()));
    });
    ASSERT_TRUE(written) << written.error().message;
  }
  Result<ModelInfo> read(const char* name) {
    HYPRSTREAM_ASSIGN(const GgufFile file, GgufFile::open(directory_ / name));
    return read_model_info(file);
  }
  static void add(GgufWriter& writer, const char* name, std::uint64_t columns, std::uint64_t rows, TensorType type) {
    ASSERT_TRUE(writer.add_tensor(name, std::array{columns, rows}, type));
  }
  // The writer has no 16-bit setter: no file of ours is split.
  static void set_uint16(GgufWriter& writer, const char* key, std::uint16_t value) {
    writer.set_value(key, {.type = GgufValueType::kUint16,
                           .element_type = GgufValueType::kUint16,
                           .count = 1,
                           .bytes = std::as_bytes(std::span(&value, 1))});
  }

  std::filesystem::path directory_;
};

TEST_F(ModelInfoTest, OfTheBundledModel) {
  const auto path = std::filesystem::path(HYPRSTREAM_SOURCE_DIR) / "models/hypr-tiny-q8_0.gguf";
  const auto file = GgufFile::open(path);
  ASSERT_TRUE(file);
  const auto info = read_model_info(*file);
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_EQ(info->path, path.string());
  EXPECT_EQ(info->name, "Hypr Tiny");
  EXPECT_EQ(info->architecture, "qwen3");
  // Embedding, 5 layers of (q, k, v, o, gate, up, down, norms), the last norm.
  EXPECT_EQ(info->parameters, 2048U * 256 + 5U * (3U * 65536 + 3U * 131072 + 2U * 256 + 2U * 32) + 256);
  EXPECT_EQ(info->file_size, std::filesystem::file_size(path));
  EXPECT_EQ(info->quantization, "Q8_0");
  EXPECT_EQ(info->layers, 5);
  EXPECT_EQ(info->hidden_size, 256);
  EXPECT_EQ(info->feed_forward_size, 512);
  EXPECT_EQ(info->heads, 8);
  EXPECT_EQ(info->kv_heads, 4);
  EXPECT_EQ(info->head_size, 32);
  EXPECT_EQ(info->context_length, 1024);
  EXPECT_EQ(info->vocabulary_size, 2048);
  EXPECT_EQ(info->tokenizer, "gpt2");
  EXPECT_THAT(info->chat_template.value_or(""), HasSubstr("<|im_start|>"));
  EXPECT_EQ(info->license, "Apache-2.0");
  const auto checked = check_model_file(*file);
  EXPECT_TRUE(checked) << checked.error().message;
}

TEST_F(ModelInfoTest, WhatIsMissingStaysUnset) {
  GgufWriter writer;
  writer.set_string("general.architecture", "gpt9");
  const auto info = info_of(writer);
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_EQ(info->name, "some model");
  EXPECT_EQ(info->architecture, "gpt9");
  EXPECT_EQ(info->parameters, 0U);
  EXPECT_EQ(info->layers, 0);
  EXPECT_EQ(info->head_size, 0);
  EXPECT_EQ(info->vocabulary_size, 0);
  EXPECT_EQ(info->quantization, "");
  EXPECT_FALSE(info->chat_template);
  EXPECT_FALSE(info->license);
  EXPECT_FALSE(info->pooling);
}

TEST_F(ModelInfoTest, LayersMayDiffer) {
  GgufWriter writer;
  writer.set_string("general.architecture", "a");
  writer.set_uint32("a.embedding_length", 96);
  writer.set_uint32s("a.attention.head_count", std::vector<std::uint32_t>{4, 6, 0});
  writer.set_int32s("a.attention.head_count_kv", std::vector<std::int32_t>{1, 2, 0});
  writer.set_uint32s("a.feed_forward_length", std::vector<std::uint32_t>{8, 16, 8});
  const auto info = info_of(writer);
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_EQ(info->heads, 6);
  EXPECT_EQ(info->kv_heads, 2);
  EXPECT_EQ(info->head_size, 16);
  EXPECT_EQ(info->feed_forward_size, 0);
}

TEST_F(ModelInfoTest, PoolingIsWhatTheFileNames) {
  using Pooling = std::optional<PoolingType>;
  const std::pair<std::uint32_t, Pooling> types[] = {{0, std::nullopt},        {1, PoolingType::kMean},
                                                     {2, PoolingType::kFirst}, {3, PoolingType::kLast},
                                                     {4, std::nullopt},        {99, std::nullopt}};
  for (const auto& [number, pooling] : types) {
    GgufWriter writer;
    writer.set_string("general.architecture", "a");
    writer.set_uint32("a.pooling_type", number);
    const auto info = info_of(writer);
    ASSERT_TRUE(info) << info.error().message;
    EXPECT_EQ(info->pooling, pooling) << number;
  }
}

TEST_F(ModelInfoTest, QuantizationIsTheDeclaredOneElseTheMajority) {
  GgufWriter writer;
  writer.set_string("general.architecture", "a");
  add(writer, "small", 256, 4, TensorType::kF32);
  add(writer, "large", 256, 9, TensorType::kQ6_K);
  add(writer, "middle", 256, 5, TensorType::kQ6_K);
  ASSERT_TRUE(writer.add_tensor("vector", std::array<std::uint64_t, 1>{99999}, TensorType::kF32));
  EXPECT_EQ(info_of(writer)->quantization, "Q6_K");
  writer.set_uint32("general.file_type", 12345);
  EXPECT_EQ(info_of(writer)->quantization, "Q6_K");
  writer.set_uint32("general.file_type", 15);
  EXPECT_EQ(info_of(writer)->quantization, "Q4_K_M");
  writer.set_uint32("general.file_type", 1024 + 2);
  EXPECT_EQ(info_of(writer)->quantization, "Q4_0");
}

TEST_F(ModelInfoTest, WhatIsNoModelIsRefused) {
  GgufWriter nothing;
  EXPECT_EQ(info_of(nothing).error().code, ErrorCode::kCorrupt);
  GgufWriter adapter;
  adapter.set_string("general.architecture", "qwen3");
  adapter.set_string("general.type", "adapter");
  EXPECT_EQ(info_of(adapter).error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(info_of(adapter).error().message, HasSubstr("'adapter'"));
  GgufWriter projector;
  projector.set_string("general.architecture", "clip");
  EXPECT_EQ(info_of(projector).error().code, ErrorCode::kUnsupported);
  GgufWriter wrong;
  wrong.set_uint32("general.architecture", 3);
  EXPECT_THAT(info_of(wrong).error().message, HasSubstr("'general.architecture'"));
  GgufWriter large;
  large.set_string("general.architecture", "a");
  large.set_uint32("a.block_count", 0xffffffffU);
  EXPECT_THAT(info_of(large).error().message, HasSubstr("'a.block_count' is 4294967295"));
}

TEST_F(ModelInfoTest, ASplitModelCountsAllItsParts) {
  GgufWriter first;
  first.set_string("general.architecture", "a");
  set_uint16(first, "split.no", 0);
  set_uint16(first, "split.count", 2);
  add(first, "one", 32, 2, TensorType::kQ8_0);
  GgufWriter second;
  set_uint16(second, "split.no", 1);
  set_uint16(second, "split.count", 2);
  add(second, "two", 32, 3, TensorType::kQ8_0);
  write(first, "m-00001-of-00002.gguf");

  const auto missing = read("m-00001-of-00002.gguf");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(missing.error().message, HasSubstr("m-00002-of-00002.gguf is missing"));

  write(second, "m-00002-of-00002.gguf");
  const auto info = read("m-00001-of-00002.gguf");
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_EQ(info->parameters, 160U);
  EXPECT_EQ(info->file_size, std::filesystem::file_size(directory_ / "m-00001-of-00002.gguf") +
                                 std::filesystem::file_size(directory_ / "m-00002-of-00002.gguf"));

  const auto later = read("m-00002-of-00002.gguf");
  ASSERT_FALSE(later);
  EXPECT_EQ(later.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(later.error().message, HasSubstr("m-00001-of-00002.gguf"));

  write(first, "renamed.gguf");
  EXPECT_THAT(read("renamed.gguf").error().message, HasSubstr("must end in '-00001-of-00002.gguf'"));
}

}  // namespace
}  // namespace hyprstream
