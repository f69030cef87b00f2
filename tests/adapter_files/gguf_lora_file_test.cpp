// llama.cpp's LoRA files. That libllama reads ours and computes the same is tested in adapter_engine/three_ways_test.
#include "adapter_files/gguf_lora_file.hpp"

#include <gmock/gmock.h>

#include <array>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <optional>
#include <vector>

#include "gguf/gguf_writer.hpp"
#include "random_adapter.hpp"
#include "scratch.hpp"

namespace hyprstream {
namespace {

using namespace testing_support;
using testing::HasSubstr;

using GgufLora = ScratchTest;

TEST_F(GgufLora, KeepsEveryValueAndTheSparsity) {
  const auto base = small_base();
  for (const std::size_t rank : {1U, 3U, 7U, 16U, 24U}) {
    const auto adapter = random_adapter(base, rank, 0.2, static_cast<unsigned>(rank));
    ASSERT_TRUE(write_gguf_lora(*adapter, folder_ / "a.gguf"));
    const auto read = read_gguf_lora(folder_ / "a.gguf", base);
    ASSERT_TRUE(read) << read.error().message;
    expect_same_weights(*read, *adapter);
    EXPECT_EQ(read->sparsity(), adapter->sparsity());
    EXPECT_EQ(read->description().rank, rank);
    EXPECT_EQ(read->description().alpha, adapter->description().alpha);
    EXPECT_EQ(read->description().target_modules, adapter->description().target_modules);
    EXPECT_TRUE(is_uuid(read->id()));
  }
}

// One alpha for all: what it cannot say goes into B.
TEST_F(GgufLora, FoldsOtherScalingsIntoB) {
  const auto base = small_base();
  const auto made = random_adapter(base, 4, 0.5, 3);
  std::vector<LoraPair> pairs(made->pairs().begin(), made->pairs().end());
  for (std::size_t i = 0; i < pairs.size(); ++i) pairs[i].scaling = i == 2 ? 0 : 0.3F * static_cast<float>(i + 1);
  const auto adapter = LoraAdapter::create(made->description(), pairs).value();
  ASSERT_TRUE(write_gguf_lora(adapter, folder_ / "a.gguf"));
  const auto read = read_gguf_lora(folder_ / "a.gguf", base);
  ASSERT_TRUE(read) << read.error().message;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    // Values of about 0.01, rounded once more.
    std::vector<float> wanted(pairs[i].in() * pairs[i].out());
    auto seen = wanted;
    ASSERT_TRUE(apply_to_weight(pairs[i], wanted));
    ASSERT_TRUE(apply_to_weight(read->pairs()[i], seen));
    for (std::size_t k = 0; k < wanted.size(); ++k) EXPECT_NEAR(seen[k], wanted[k], 1e-8F);
  }
  EXPECT_EQ(read->pairs()[2].b.nnz(), 0U);
}

// What other programs write: one pair, A [2 x 8] and B [4 x 2] on v of layer 1.
struct Hand {
  std::string type = "adapter";
  std::string adapter_type = "lora";
  std::string architecture = "qwen3";
  std::optional<float> alpha = 4;
  std::string prefix = "blk.1.attn_v.weight";
  TensorType number_type = TensorType::kF32;
  std::vector<std::uint64_t> a_shape{8, 2};
  std::vector<std::uint64_t> b_shape{2, 4};
  std::string a_bytes = floats(16, 0.5F);
  std::string b_bytes = floats(8, -2);
  bool has_b = true;
  std::function<void(GgufWriter&)> more = {};
  std::string second_a = {};  // the name of one more A, with the same contents

  static std::string floats(std::size_t count, float value) {
    const std::vector<float> values(count, value);
    return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
  }
  static std::string shorts(std::size_t count, std::uint16_t value) {
    const std::vector<std::uint16_t> values(count, value);
    return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof value};
  }

  std::filesystem::path write(const std::filesystem::path& path) const {
    GgufWriter writer;
    writer.set_string("general.type", type);
    writer.set_string("general.architecture", architecture);
    writer.set_string("adapter.type", adapter_type);
    if (alpha) writer.set_float32("adapter.lora.alpha", *alpha);
    if (more) more(writer);
    std::vector<const std::string*> data{&a_bytes};
    EXPECT_TRUE(writer.add_tensor(prefix + ".lora_a", a_shape, number_type));
    if (has_b) {
      EXPECT_TRUE(writer.add_tensor(prefix + ".lora_b", b_shape, number_type));
      data.push_back(&b_bytes);
    }
    if (!second_a.empty()) {
      EXPECT_TRUE(writer.add_tensor(second_a, a_shape, number_type));
      data.push_back(&a_bytes);
    }
    EXPECT_TRUE(writer.finish(
        path, [&](std::size_t i, TensorSink& sink) { return sink.write(std::as_bytes(std::span(*data[i]))); }));
    return path;
  }
};

TEST_F(GgufLora, ReadsEveryNumberType) {
  const auto path = folder_ / "hand.gguf";
  for (const auto& [hand, a, b] : std::vector<std::tuple<Hand, float, float>>{{Hand{}, 0.5F, -2.0F},
                                                                              // 2^-15 is a subnormal number of F16.
                                                                              {Hand{.number_type = TensorType::kF16,
                                                                                    .a_bytes = Hand::shorts(16, 0x0200),
                                                                                    .b_bytes = Hand::shorts(8, 0xc100)},
                                                                               0x1p-15F, -2.5F},
                                                                              {Hand{.number_type = TensorType::kBF16,
                                                                                    .a_bytes = Hand::shorts(16, 0x3fc0),
                                                                                    .b_bytes = Hand::shorts(8, 0xc020)},
                                                                               1.5F, -2.5F}}) {
    const auto read = read_gguf_lora(hand.write(path), small_base());
    ASSERT_TRUE(read) << read.error().message;
    ASSERT_EQ(read->pairs().size(), 1U);
    const auto& pair = read->pairs()[0];
    EXPECT_EQ(pair.id, (LinearId{1, LinearModule::kV}));
    EXPECT_EQ(pair.scaling, 2);
    EXPECT_EQ(pair.a.to_dense(), std::vector<float>(16, a));
    EXPECT_EQ(pair.b.to_dense(), std::vector<float>(8, b));
  }
}

TEST_F(GgufLora, ScalesByOneWithoutAlphaAsLlamaCppDoes) {
  for (const auto alpha : {std::optional<float>(), std::optional<float>(0)}) {
    const auto read = read_gguf_lora(Hand{.alpha = alpha}.write(folder_ / "hand.gguf"), small_base());
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->pairs()[0].scaling, 1);
    EXPECT_EQ(read->description().alpha, 2);
  }
}

TEST_F(GgufLora, ReadsRankOneWithItsDimensionLeftOut) {
  const auto read = read_gguf_lora(
      Hand{.a_shape = {8}, .b_shape = {1, 4}, .a_bytes = Hand::floats(8, 3), .b_bytes = Hand::floats(4, 1)}.write(
          folder_ / "hand.gguf"),
      small_base());
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->pairs()[0].rank(), 1U);
}

TEST_F(GgufLora, SaysWhatItRefuses) {
  const auto path = folder_ / "hand.gguf";
  const auto expect_refused = [&](const Hand& hand, ErrorCode code, const char* part) {
    const auto read = read_gguf_lora(hand.write(path), small_base());
    ASSERT_FALSE(read) << part;
    EXPECT_EQ(read.error().code, code) << read.error().message;
    EXPECT_THAT(read.error().message, HasSubstr(part));
    EXPECT_THAT(read.error().message, HasSubstr(path.string()));
  };
  using enum ErrorCode;
  expect_refused({.adapter_type = "control_vector"}, kCorrupt, "adapter.type not 'lora'");
  expect_refused({.architecture = "llama"}, kUnsupported, "made for the architecture llama");
  expect_refused({.alpha = std::numeric_limits<float>::quiet_NaN()}, kCorrupt, "alpha");
  expect_refused({.prefix = "token_embd.weight"}, kUnsupported, "token_embd.weight");
  expect_refused({.prefix = "blk.1.attn_qkv.weight"}, kUnsupported, "blk.1.attn_qkv.weight");
  expect_refused({.prefix = "blk.2.attn_v.weight"}, kUnsupported, "has no blk.2.attn_v.weight");
  expect_refused({.prefix = "blk.1.attn_q.weight"}, kUnsupported,
                 "blk.1.attn_q.weight is [8 x 8] in this model, and the adapter was made for [4 x 8]");
  expect_refused({.a_shape = {4, 4}}, kCorrupt, "their ranks differ");
  expect_refused({.b_shape = {2, 2, 2}}, kCorrupt, "is no matrix");
  expect_refused({.has_b = false}, kCorrupt, "only one of lora_a and lora_b");
  expect_refused({.second_a = "blk.01.attn_v.weight.lora_a"}, kCorrupt, "one tensor twice");
  expect_refused({.second_a = "blk.1.attn_v.weight"}, kUnsupported, "neither lora_a nor lora_b");
  expect_refused({.number_type = TensorType::kI32}, kUnsupported, "I32 values are not supported");
  std::string spoiled = Hand::floats(8, 1);
  spoiled.replace(5 * 4, 4, Hand::floats(1, std::numeric_limits<float>::infinity()));
  expect_refused({.b_bytes = spoiled}, kCorrupt, "blk.1.attn_v.weight.lora_b holds inf in row 2, column 1");
  expect_refused({.more =
                      [](GgufWriter& writer) {
                        writer.set_uint32s("adapter.alora.invocation_tokens", std::vector<std::uint32_t>{1});
                      }},
                 kUnsupported, "adapter.alora.invocation_tokens");
}

TEST_F(GgufLora, NoDamageBringsTheReaderDown) {
  const auto sound = read(Hand{}.write(folder_ / "hand.gguf"));
  std::size_t refused = 0;
  std::size_t tried = 0;
  for_each_damage(sound, [&](const std::string& bytes) {
    ++tried;
    const auto damaged = read_gguf_lora(write("damaged.gguf", bytes), small_base());
    refused += damaged ? 0 : 1;
  });
  EXPECT_GT(refused, tried / 2);
}

}  // namespace
}  // namespace hyprstream
