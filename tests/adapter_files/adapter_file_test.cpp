// The native format: what is written is read back bit by bit, and damaged files are refused.
#include "adapter_files/adapter_file.hpp"

#include <gmock/gmock.h>

#include <array>
#include <cstdint>
#include <limits>
#include <vector>

#include "adapter/lora_init.hpp"
#include "adapter/sparsify.hpp"
#include "gguf/gguf_writer.hpp"
#include "random_adapter.hpp"
#include "scratch.hpp"

namespace hyprstream {
namespace {

using namespace testing_support;
using testing::HasSubstr;

using AdapterFile = ScratchTest;

TEST_F(AdapterFile, KeepsEveryValueAndTheDescription) {
  auto base = small_base("llama");
  const auto made = random_adapter(base, 3, 0.3, 1);
  auto description = made->description();
  description.name = "A name";
  description.alpha = 0.1;
  description.rank_stabilized = true;
  description.requested_sparsity = 0.7;
  const auto adapter = made->with_description(description).value();
  const auto path = folder_ / "a.gguf";
  ASSERT_TRUE(write_adapter_file(adapter, path));
  const auto read = read_adapter_file(path);
  ASSERT_TRUE(read) << read.error().message;
  expect_same_weights(*read, adapter);
  const auto& seen = read->description();
  EXPECT_EQ(seen.id, description.id);
  EXPECT_EQ(seen.name, description.name);
  EXPECT_EQ(seen.rank, description.rank);
  EXPECT_EQ(seen.alpha, description.alpha);
  EXPECT_EQ(seen.rank_stabilized, true);
  EXPECT_EQ(seen.requested_sparsity, description.requested_sparsity);
  EXPECT_EQ(seen.target_modules, description.target_modules);
  EXPECT_EQ(seen.base.name, base.name);
  EXPECT_EQ(seen.base.architecture, base.architecture);
  EXPECT_EQ(seen.base.header_sha256, base.header_sha256);
  EXPECT_EQ(seen.base.heads, base.heads);
  EXPECT_EQ(seen.base.kv_heads, base.kv_heads);
  EXPECT_EQ(seen.base.linears, description.base.linears);
  EXPECT_EQ(read->nnz(), adapter.nnz());
}

TEST_F(AdapterFile, KeepsAnAdapterWithoutNonZeros) {
  const auto empty = random_adapter(small_base(), 2, 0, 1);
  ASSERT_EQ(empty->nnz(), 0U);
  ASSERT_TRUE(write_adapter_file(*empty, folder_ / "a.gguf"));
  const auto read = read_adapter_file(folder_ / "a.gguf");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->nnz(), 0U);
  EXPECT_EQ(read->entries(), empty->entries());
  EXPECT_FALSE(read->changes_anything());
}

// The smallest adapter that anyone makes: on the bundled model, by the default settings.
TEST_F(AdapterFile, TakesAtMostAThirtiethOfTheDenseFile) {
  const auto base = read_base_model(HYPRSTREAM_SOURCE_DIR "/models/hypr-tiny-q8_0.gguf");
  ASSERT_TRUE(base);
  const auto dense = make_lora_adapter(*base, {.seed = 1});
  ASSERT_TRUE(dense);
  const auto sparse = sparsify(*dense, {.sparsity = 0.99});
  ASSERT_TRUE(sparse);
  ASSERT_TRUE(write_adapter_file(*sparse, folder_ / "a.gguf"));
  const auto bytes = std::filesystem::file_size(folder_ / "a.gguf");
  EXPECT_LE(bytes * 30, sparse->dense_bytes()) << bytes << " bytes";
  const auto read = read_adapter_file(folder_ / "a.gguf");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->sparsity(), sparse->sparsity());
}

TEST_F(AdapterFile, ALoadedOneOutlivesItsName) {
  const auto adapter = random_adapter(small_base(), 2, 0.5, 1);
  ASSERT_TRUE(write_adapter_file(*adapter, folder_ / "a.gguf"));
  auto read = read_adapter_file(folder_ / "a.gguf");
  ASSERT_TRUE(read);
  std::filesystem::remove(folder_ / "a.gguf");
  const LoraPair pair = read->pairs().back();
  read = fail(ErrorCode::kInternal, "gone");
  EXPECT_TRUE(pair.a == adapter->pairs().back().a);
}

TEST_F(AdapterFile, NoDamageBringsTheReaderDown) {
  const auto adapter = random_adapter(small_base(), 1, 0.2, 1, 0.05F, {LinearModule::kK});
  ASSERT_TRUE(write_adapter_file(*adapter, folder_ / "a.gguf"));
  std::size_t refused = 0;
  std::size_t tried = 0;
  for_each_damage(read(folder_ / "a.gguf"), [&](const std::string& bytes) {
    ++tried;
    const auto damaged = read_adapter_file(write("damaged.gguf", bytes));
    if (!damaged) {
      ++refused;
      EXPECT_FALSE(damaged.error().message.empty());
      return;
    }
    for (const auto& pair : damaged->pairs()) {
      std::vector<float> weight(pair.in() * pair.out());
      EXPECT_TRUE(apply_to_weight(pair, weight));
    }
  });
  EXPECT_GT(refused, tried / 2);
}

// One pair of A [2 x 4] and B [3 x 2], written by hand so that it can be wrong.
struct Hand {
  std::string kind = "low-rank";
  std::uint32_t version = 1;
  std::uint32_t rank = 2;
  double sparsity = 0;
  std::string id = "01234567-89ab-4cde-8f01-23456789abcd";
  std::vector<std::int32_t> pairs{0, 0, 4, 3, 2};
  std::vector<float> scalings{1};
  std::vector<std::uint32_t> offsets{0, 1, 3, 0, 1, 1};
  std::vector<std::uint16_t> indices{3, 0, 2, 1};
  std::vector<float> values{1, 2, 3, 4};

  Result<LoraAdapter> read(const std::filesystem::path& path) const {
    GgufWriter writer;
    writer.set_string("general.type", "adapter");
    writer.set_string("general.architecture", "qwen3");
    writer.set_string("general.name", "by hand");
    writer.set_string("adapter.type", "hyprstream");
    writer.set_uint32("hyprstream.adapter.format_version", version);
    writer.set_string("hyprstream.adapter.kind", kind);
    writer.set_string("hyprstream.adapter.id", id);
    writer.set_uint32("hyprstream.adapter.rank", rank);
    writer.set_float64("hyprstream.adapter.alpha", 2);
    writer.set_string("hyprstream.adapter.target_modules", "q_proj");
    writer.set_float64("hyprstream.adapter.sparsity", sparsity);
    writer.set_string("hyprstream.adapter.base.name", "small");
    writer.set_string("hyprstream.adapter.base.header_sha256", "");
    writer.set_uint32("hyprstream.adapter.base.heads", 1);
    writer.set_uint32("hyprstream.adapter.base.kv_heads", 1);
    std::vector<std::span<const std::byte>> data;
    const auto add = [&]<typename T>(std::string_view name, const std::vector<T>& array, TensorType type,
                                     std::size_t row = 0) {
      const std::array<std::uint64_t, 2> shape{row == 0 ? array.size() : row, row == 0 ? 1 : array.size() / row};
      EXPECT_TRUE(writer.add_tensor(name, shape, type));
      data.push_back(std::as_bytes(std::span(array)));
    };
    add("pairs", pairs, TensorType::kI32, 5);
    add("scalings", scalings, TensorType::kF32);
    add("offsets", offsets, TensorType::kI32);
    add("indices", indices, TensorType::kI16);
    add("values", values, TensorType::kF32);
    EXPECT_TRUE(writer.finish(path, [&](std::size_t i, TensorSink& sink) { return sink.write(data[i]); }));
    return read_adapter_file(path);
  }
};

TEST_F(AdapterFile, RefusesEveryWrongNumberByName) {
  const auto path = folder_ / "hand.gguf";
  const auto sound = Hand().read(path);
  ASSERT_TRUE(sound) << sound.error().message;
  EXPECT_EQ(sound->pairs()[0].a.to_dense(), (std::vector<float>{0, 0, 0, 1, 2, 0, 3, 0}));
  EXPECT_EQ(sound->pairs()[0].b.to_dense(), (std::vector<float>{0, 4, 0, 0, 0, 0}));

  const auto expect_refused = [&](const Hand& hand, ErrorCode code, const char* part) {
    const auto read = hand.read(path);
    ASSERT_FALSE(read) << part;
    EXPECT_EQ(read.error().code, code) << read.error().message;
    EXPECT_THAT(read.error().message, HasSubstr(part));
    EXPECT_THAT(read.error().message, HasSubstr(path.string()));
  };
  using enum ErrorCode;
  expect_refused({.kind = "delta"}, kUnsupported, "of the kind 'delta'");
  expect_refused({.version = 2}, kUnsupported, "format version 2");
  expect_refused({.rank = 0}, kCorrupt, "rank is 0");
  expect_refused({.rank = 65'537}, kCorrupt, "above 65536");
  expect_refused({.sparsity = 1}, kCorrupt, "outside [0, 1)");
  expect_refused({.id = "../../etc/passwd"}, kCorrupt, "no UUID");
  expect_refused({.pairs = {0, 7, 4, 3, 2}}, kCorrupt, "module 7 of layer 0");
  expect_refused({.pairs = {-1, 0, 4, 3, 2}}, kCorrupt, "layer -1");
  expect_refused({.pairs = {0, 0, 4, 3, 0}}, kCorrupt, "rank 0");
  expect_refused({.pairs = {0, 0, 65'537, 3, 2}}, kCorrupt, "[3 x 65537]");
  expect_refused({.pairs = {0, 0, 4, 3, 3}}, kCorrupt, "blk.0.attn_q.weight");
  expect_refused({.pairs = {0, 0, 3, 3, 2}}, kCorrupt, "A of blk.0.attn_q.weight: index 3 is outside a width of 3");
  expect_refused({.pairs = {0, 0, 4, 3, 2, 0, 0, 4, 3, 2}}, kCorrupt, "'pairs' and 'scalings'");
  expect_refused(
      {.pairs = {1, 0, 4, 3, 2, 0, 0, 4, 3, 2}, .scalings = {1, 1}, .offsets = {0, 1, 3, 0, 1, 1, 0, 0, 0, 0, 0, 0}},
      kCorrupt, "blk.0.attn_q.weight is not in its place");
  expect_refused({.scalings = {std::numeric_limits<float>::infinity()}}, kCorrupt, "scaling of blk.0.attn_q.weight");
  expect_refused({.offsets = {0, 1, 3, 0, 1}}, kCorrupt, "too few offsets");
  expect_refused({.offsets = {0, 1, 3, 0, 1, 1, 1}}, kCorrupt, "more values than its table says");
  expect_refused({.offsets = {1, 1, 3, 0, 1, 1}}, kCorrupt, "offsets");
  expect_refused({.offsets = {0, 4, 3, 0, 1, 1}}, kCorrupt, "component 0");
  expect_refused({.offsets = {0, 1, 0xffff'ffff, 0, 1, 1}}, kCorrupt, "too few values");
  expect_refused({.indices = {3, 2, 0, 1}}, kCorrupt, "index 0 follows 2");
  expect_refused({.indices = {3, 0, 0, 1}}, kCorrupt, "index 0 follows 0");
  expect_refused({.indices = {3, 0, 2}}, kCorrupt, "B of blk.0.attn_q.weight");
  expect_refused({.values = {1, 2, std::numeric_limits<float>::quiet_NaN(), 4}}, kCorrupt, "component 1 at 2 is nan");
  expect_refused({.values = {1, 2, 3, -std::numeric_limits<float>::infinity()}}, kCorrupt, "at 1 is -inf");
  expect_refused({.values = {0, 2, 3, 4}}, kCorrupt, "at 3 is 0");
  expect_refused({.values = {1, 2, 3, 4, 5}}, kCorrupt, "more values");
}

}  // namespace
}  // namespace hyprstream
