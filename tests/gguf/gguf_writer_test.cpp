#include "gguf/gguf_writer.hpp"

#include <ggml.h>
#include <gguf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <array>
#include <csignal>
#include <cstring>
#include <limits>
#include <memory>
#include <vector>

namespace hyprstream {
namespace {

using Shape = std::array<std::uint64_t, 2>;

class GgufWriterTest : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = std::filesystem::path(testing::TempDir()) /
                 (std::string("gguf_writer_") + testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
    path_ = directory_ / "out.gguf";
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  bool nothing_left() const { return std::filesystem::is_empty(directory_); }

  std::filesystem::path directory_;
  std::filesystem::path path_;
};

Result<void> write_floats(TensorSink& sink, std::span<const float> values) { return sink.write(std::as_bytes(values)); }

TEST_F(GgufWriterTest, BothReadersReadItBack) {
  GgufWriter writer;
  writer.set_string("text", "first");
  writer.set_string("text", "some text");  // replaces
  writer.set_bool("yes", true);
  writer.set_uint32("u32", 4000000000U);
  writer.set_uint64("u64", std::numeric_limits<std::uint64_t>::max());
  writer.set_float32("f32", 0.25F);
  writer.set_strings("strings", std::vector<std::string>{"a", "", "ccc"});
  writer.set_int32s("i32s", std::vector<std::int32_t>{-1, 2});
  writer.set_uint32s("u32s", std::vector<std::uint32_t>{1, 2, 3});
  writer.set_float32s("f32s", std::vector<float>{0.5F});
  ASSERT_TRUE(writer.add_tensor("odd", Shape{3, 3}, TensorType::kF32));
  ASSERT_TRUE(writer.add_tensor("next", Shape{2, 1}, TensorType::kF32));
  const std::vector<float> odd = {0, 1, 2, 3, 4, 5, 6, 7, 8};
  const std::vector<float> next = {9, 10};
  const auto source = [&](std::size_t index, TensorSink& sink) -> Result<void> {
    if (index == 1) return write_floats(sink, next);
    HYPRSTREAM_TRY(write_floats(sink, std::span(odd).first(4)));  // in pieces
    return write_floats(sink, std::span(odd).subspan(4));
  };
  const auto written = writer.finish(path_, source);
  ASSERT_TRUE(written) << written.error().message;

  const auto file = GgufFile::open(path_);
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->keys().size(), 9U);
  EXPECT_EQ(**file->find_string("text"), "some text");
  EXPECT_TRUE(**file->find_bool("yes"));
  EXPECT_EQ(**file->find_uint("u32"), 4000000000U);
  EXPECT_EQ(**file->find_uint("u64"), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(**file->find_float("f32"), 0.25);
  EXPECT_THAT(**file->find_strings("strings"), testing::ElementsAre("a", "", "ccc"));
  EXPECT_THAT(**file->find_uints("u32s"), testing::ElementsAre(1, 2, 3));
  EXPECT_EQ(std::memcmp(file->find_tensor("odd")->data.data(), odd.data(), 36), 0);
  EXPECT_EQ(std::memcmp(file->find_tensor("next")->data.data(), next.data(), 8), 0);

  const std::unique_ptr<gguf_context, decltype(&gguf_free)> oracle(
      gguf_init_from_file(path_.c_str(), {.no_alloc = true, .ctx = nullptr}), &gguf_free);
  ASSERT_NE(oracle, nullptr);
  EXPECT_EQ(gguf_get_n_kv(oracle.get()), 9);
  EXPECT_STREQ(gguf_get_val_str(oracle.get(), gguf_find_key(oracle.get(), "text")), "some text");
  EXPECT_EQ(static_cast<const std::int32_t*>(gguf_get_arr_data(oracle.get(), gguf_find_key(oracle.get(), "i32s")))[0],
            -1);
  EXPECT_EQ(gguf_get_tensor_offset(oracle.get(), 1), 64U);
}

TEST_F(GgufWriterTest, CopiesValuesOfAnotherFile) {
  const auto model = GgufFile::open(std::filesystem::path(HYPRSTREAM_SOURCE_DIR) / "models/hypr-tiny-q8_0.gguf");
  ASSERT_TRUE(model);
  GgufWriter writer;
  for (const std::string_view key : model->keys()) writer.set_value(key, *model->find(key));
  for (const GgufTensor& tensor : model->tensors())
    ASSERT_TRUE(writer.add_tensor(tensor.name, tensor.shape, tensor.type));
  ASSERT_TRUE(writer.finish(
      path_, [&](std::size_t index, TensorSink& sink) { return sink.write(model->tensors()[index].data); }));
  const auto copy = GgufFile::open(path_);
  ASSERT_TRUE(copy) << copy.error().message;
  EXPECT_EQ(copy->file_size(), model->file_size());
  for (const std::string_view key : model->keys()) {
    const GgufValue& a = *model->find(key);
    const GgufValue& b = *copy->find(key);
    ASSERT_EQ(a.type, b.type);
    ASSERT_EQ(a.count, b.count);
    EXPECT_TRUE(std::ranges::equal(a.bytes, b.bytes)) << key;
  }
  for (const GgufTensor& tensor : model->tensors())
    EXPECT_TRUE(std::ranges::equal(tensor.data, copy->find_tensor(tensor.name)->data)) << tensor.name;
}

TEST_F(GgufWriterTest, RefusesTensorsThatNoReaderTakes) {
  GgufWriter writer;
  const auto refused = [&](std::string_view name, std::span<const std::uint64_t> shape, TensorType type) {
    const auto result = writer.add_tensor(name, shape, type);
    return !result && result.error().code == ErrorCode::kInvalidArgument;
  };
  EXPECT_TRUE(refused("", Shape{1, 1}, TensorType::kF32));
  EXPECT_TRUE(refused(std::string(64, 'n'), Shape{1, 1}, TensorType::kF32));
  EXPECT_TRUE(refused("t", {}, TensorType::kF32));
  EXPECT_TRUE(refused("t", std::array<std::uint64_t, 5>{1, 1, 1, 1, 1}, TensorType::kF32));
  EXPECT_TRUE(refused("t", Shape{1, 0}, TensorType::kF32));
  EXPECT_TRUE(refused("t", Shape{33, 1}, TensorType::kQ4_0));
  EXPECT_TRUE(writer.add_tensor("t", Shape{32, 1}, TensorType::kQ4_0));
  EXPECT_TRUE(refused("t", Shape{32, 1}, TensorType::kQ4_0));
}

TEST_F(GgufWriterTest, AFailureLeavesNothingBehind) {
  GgufWriter writer;
  ASSERT_TRUE(writer.add_tensor("t", Shape{4, 1}, TensorType::kF32));
  const std::vector<float> five(5);
  const auto with = [&](std::size_t count) {
    return writer.finish(
        path_, [&](std::size_t, TensorSink& sink) { return write_floats(sink, std::span(five).first(count)); });
  };
  EXPECT_EQ(with(5).error().code, ErrorCode::kInternal);
  EXPECT_EQ(with(3).error().code, ErrorCode::kInternal);
  EXPECT_EQ(writer
                .finish(path_,
                        [](std::size_t, TensorSink&) -> Result<void> { return fail(ErrorCode::kCancelled, "stopped"); })
                .error()
                .code,
            ErrorCode::kCancelled);
  EXPECT_TRUE(nothing_left());
  EXPECT_TRUE(with(4));
  writer.set_bool("", true);
  EXPECT_EQ(with(4).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(GgufWriterTest, AFullDiskLeavesNothingBehind) {
  GgufWriter writer;
  constexpr std::uint64_t kFloats = 1 << 20;
  ASSERT_TRUE(writer.add_tensor("t", std::array{kFloats}, TensorType::kF32));
  // The limit on a file's size stands in for the end of a disk.
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  rlimit limit = before;
  limit.rlim_cur = 100000;
  ::setrlimit(RLIMIT_FSIZE, &limit);
  const auto result = writer.finish(path_, [](std::size_t, TensorSink& sink) -> Result<void> {
    const std::vector<float> piece(1 << 10);
    while (sink.remaining() > 0) HYPRSTREAM_TRY(write_floats(sink, piece));
    return {};
  });
  ::setrlimit(RLIMIT_FSIZE, &before);
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, testing::HasSubstr("nothing was kept"));
  EXPECT_TRUE(nothing_left());
}

}  // namespace
}  // namespace hyprstream
