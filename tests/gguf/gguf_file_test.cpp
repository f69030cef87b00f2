#include "gguf/gguf_file.hpp"

#include <ggml.h>
#include <gguf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <memory>
#include <string>

namespace hyprstream {
namespace {

using testing::HasSubstr;

const std::filesystem::path kBundled = std::filesystem::path(HYPRSTREAM_SOURCE_DIR) / "models" / "hypr-tiny-q8_0.gguf";

// A GGUF put together by hand, so that it can also be wrong.
class RawGguf {
 public:
  template <typename T>
  RawGguf& put(T value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  RawGguf& text(std::string_view value) {
    put<std::uint64_t>(value.size());
    bytes_ += value;
    return *this;
  }
  RawGguf& head(std::uint64_t tensors, std::uint64_t keys, std::uint32_t version = 3) {
    bytes_ += "GGUF";
    return put(version).put(tensors).put(keys);
  }
  RawGguf& key(std::string_view name, GgufValueType type) { return text(name).put(static_cast<std::uint32_t>(type)); }
  RawGguf& tensor(std::string_view name, std::initializer_list<std::uint64_t> shape, std::uint32_t type,
                  std::uint64_t offset) {
    text(name).put(static_cast<std::uint32_t>(shape.size()));
    for (const std::uint64_t size : shape) put(size);
    return put(type).put(offset);
  }
  RawGguf& pad(std::size_t to) {
    bytes_.resize((bytes_.size() + to - 1) / to * to);
    return *this;
  }
  RawGguf& zeros(std::size_t count) {
    bytes_.append(count, '\0');
    return *this;
  }

  Result<GgufFile> open() const {
    const auto path = std::filesystem::path(testing::TempDir()) /
                      (std::string(testing::UnitTest::GetInstance()->current_test_info()->name()) + ".gguf");
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes_;
    return GgufFile::open(path);
  }

 private:
  std::string bytes_;
};

void expect_error(const Result<GgufFile>& result, ErrorCode code, const char* part) {
  ASSERT_FALSE(result) << part;
  EXPECT_EQ(result.error().code, code) << result.error().message;
  EXPECT_THAT(result.error().message, HasSubstr(part));
}

TEST(GgufFile, ReadsWhatGgmlReads) {
  const auto file = GgufFile::open(kBundled);
  ASSERT_TRUE(file) << file.error().message;
  const std::unique_ptr<gguf_context, decltype(&gguf_free)> oracle(
      gguf_init_from_file(kBundled.c_str(), {.no_alloc = true, .ctx = nullptr}), &gguf_free);
  ASSERT_NE(oracle, nullptr);

  EXPECT_EQ(file->version(), gguf_get_version(oracle.get()));
  ASSERT_EQ(static_cast<std::int64_t>(file->keys().size()), gguf_get_n_kv(oracle.get()));
  for (std::int64_t i = 0; i < gguf_get_n_kv(oracle.get()); ++i) {
    const std::string_view key = file->keys()[static_cast<std::size_t>(i)];
    EXPECT_EQ(key, gguf_get_key(oracle.get(), i));
    const GgufValue& value = *file->find(key);
    ASSERT_EQ(static_cast<int>(value.type), static_cast<int>(gguf_get_kv_type(oracle.get(), i)));
    switch (value.type) {
      case GgufValueType::kString: EXPECT_EQ(**file->find_string(key), gguf_get_val_str(oracle.get(), i)); break;
      case GgufValueType::kUint32: EXPECT_EQ(**file->find_uint(key), gguf_get_val_u32(oracle.get(), i)); break;
      case GgufValueType::kFloat32: EXPECT_EQ(**file->find_float(key), gguf_get_val_f32(oracle.get(), i)); break;
      case GgufValueType::kBool: EXPECT_EQ(**file->find_bool(key), gguf_get_val_bool(oracle.get(), i)); break;
      case GgufValueType::kArray: {
        ASSERT_EQ(value.count, gguf_get_arr_n(oracle.get(), i)) << key;
        ASSERT_EQ(static_cast<int>(value.element_type), static_cast<int>(gguf_get_arr_type(oracle.get(), i)));
        if (value.element_type == GgufValueType::kString) {
          const auto strings = file->find_strings(key);
          for (std::size_t j = 0; j < value.count; ++j)
            ASSERT_EQ((**strings)[j], gguf_get_arr_str(oracle.get(), i, j)) << key;
        } else {
          EXPECT_EQ(std::memcmp(value.bytes.data(), gguf_get_arr_data(oracle.get(), i), value.bytes.size()), 0);
        }
        break;
      }
      default: FAIL() << "the bundled model has a key of another type: " << key;
    }
  }

  ASSERT_EQ(static_cast<std::int64_t>(file->tensors().size()), gguf_get_n_tensors(oracle.get()));
  std::ifstream stream(kBundled, std::ios::binary);
  for (std::size_t i = 0; i < file->tensors().size(); ++i) {
    const GgufTensor& tensor = file->tensors()[i];
    const auto id = static_cast<std::int64_t>(i);
    EXPECT_EQ(tensor.name, gguf_get_tensor_name(oracle.get(), id));
    EXPECT_EQ(static_cast<int>(tensor.type), static_cast<int>(gguf_get_tensor_type(oracle.get(), id)));
    EXPECT_EQ(tensor.data.size(), gguf_get_tensor_size(oracle.get(), id));
    for (std::size_t d = 0; d < tensor.shape.size(); ++d)
      EXPECT_EQ(static_cast<std::int64_t>(tensor.shape[d]), gguf_get_tensor_ne(oracle.get(), id)[d]);
    // The bytes are those at ggml's offset.
    std::string expected(16, '\0');
    stream.seekg(
        static_cast<std::streamoff>(gguf_get_data_offset(oracle.get()) + gguf_get_tensor_offset(oracle.get(), id)));
    stream.read(expected.data(), 16);
    EXPECT_EQ(std::memcmp(tensor.data.data(), expected.data(), 16), 0) << tensor.name;
    EXPECT_EQ(file->find_tensor(tensor.name), &tensor);
  }
  EXPECT_EQ(file->find_tensor("no such tensor"), nullptr);
}

TEST(GgufFile, WhatIsNoModelSaysSo) {
  const auto directory = std::filesystem::path(testing::TempDir());
  expect_error(GgufFile::open(directory / "missing.gguf"), ErrorCode::kNotFound, "missing.gguf");
  expect_error(GgufFile::open(directory), ErrorCode::kInvalidArgument, "is a directory");
  expect_error(RawGguf().open(), ErrorCode::kCorrupt, "is empty");
  expect_error(RawGguf().put('a').put('b').put('c').put('\n').zeros(99).open(), ErrorCode::kCorrupt,
               "is not a GGUF file (it begins with 'abc\\x0a')");
  expect_error(RawGguf().put('G').put('G').open(), ErrorCode::kCorrupt, "is not a GGUF file");
  expect_error(RawGguf().head(0, 0, 1).open(), ErrorCode::kUnsupported, "version 1");
  expect_error(RawGguf().head(0, 0, 4).open(), ErrorCode::kUnsupported, "version 4");
  expect_error(RawGguf().head(0, 0, 0x03000000).open(), ErrorCode::kUnsupported, "big-endian");
  EXPECT_TRUE(RawGguf().head(0, 0, 2).open());
}

TEST(GgufFile, ATruncatedModelIsAnErrorWhereverItIsCut) {
  std::ifstream stream(kBundled, std::ios::binary);
  const std::string whole{std::istreambuf_iterator<char>(stream), {}};
  ASSERT_GT(whole.size(), 1000000U);
  const auto path = std::filesystem::path(testing::TempDir()) / "cut.gguf";
  const auto cut_at = [&](std::size_t size) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << std::string_view(whole).substr(0, size);
    const auto file = GgufFile::open(path);
    ASSERT_FALSE(file) << size;
    EXPECT_EQ(file.error().code, ErrorCode::kCorrupt);
    if (size >= 4) {
      EXPECT_THAT(file.error().message, HasSubstr("is truncated")) << size;
    }
    EXPECT_THAT(file.error().message, HasSubstr(path.string()));
  };
  for (const std::size_t size : {1, 3, 4, 7, 8, 15, 23, 24, 25, 40, 100, 1000, 20000}) cut_at(size);
  for (std::size_t twentieth = 1; twentieth < 20; ++twentieth) cut_at(whole.size() * twentieth / 20);
  cut_at(whole.size() - 1);
}

TEST(GgufFile, FalseCountsAreNotBelieved) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  using enum GgufValueType;
  const auto u32 = [](GgufValueType type) { return static_cast<std::uint32_t>(type); };
  expect_error(RawGguf().head(kMost, 0).open(), ErrorCode::kCorrupt, "is truncated");
  expect_error(RawGguf().head(0, kMost).open(), ErrorCode::kCorrupt, "is truncated");
  expect_error(RawGguf().head(0, 1).put(kMost).zeros(64).open(), ErrorCode::kCorrupt, "is truncated");
  expect_error(RawGguf().head(0, 1).key("k", kString).put(kMost - 7).zeros(64).open(), ErrorCode::kCorrupt, "'k'");
  for (const auto element : {kUint8, kFloat64, kString})
    for (const std::uint64_t count : {kMost, kMost / 8 + 1, std::uint64_t{1} << 40})
      expect_error(RawGguf().head(0, 1).key("k", kArray).put(u32(element)).put(count).zeros(640).open(),
                   ErrorCode::kCorrupt, "is truncated: it ends inside the value of key 'k'");
}

TEST(GgufFile, KeysAreCheckedOnTheWay) {
  using enum GgufValueType;
  const auto u32 = [](GgufValueType type) { return static_cast<std::uint32_t>(type); };
  expect_error(RawGguf().head(0, 2).key("k", kUint8).put('x').key("k", kUint8).put('x').open(), ErrorCode::kCorrupt,
               "key 'k' is there twice");
  expect_error(RawGguf().head(0, 1).key("", kUint32).put(1).open(), ErrorCode::kCorrupt, "is empty");
  expect_error(RawGguf().head(0, 1).key("\x1b[2J", static_cast<GgufValueType>(13)).put(1).open(), ErrorCode::kCorrupt,
               "key '?[2J' has the unknown type 13");
  expect_error(RawGguf().head(0, 1).key("k", kArray).put(u32(kArray)).put<std::uint64_t>(1).zeros(64).open(),
               ErrorCode::kUnsupported, "array of arrays");
  expect_error(RawGguf().head(0, 1).key("general.alignment", kUint32).put(24).open(), ErrorCode::kCorrupt,
               "not a power of two");
  expect_error(RawGguf().head(0, 1).key("general.alignment", kUint32).put(0).open(), ErrorCode::kCorrupt,
               "not a power of two");
  expect_error(RawGguf().head(0, 1).key("general.alignment", kUint64).put<std::uint64_t>(32).open(),
               ErrorCode::kCorrupt, "32-bit");
}

TEST(GgufFile, TensorsAreCheckedAgainstTheFile) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  const auto one = [](std::initializer_list<std::uint64_t> shape, std::uint32_t type, std::uint64_t offset) {
    return RawGguf().head(1, 0).tensor("t", shape, type, offset).pad(32).zeros(64).open();
  };
  EXPECT_TRUE(one({16}, 0, 0));
  EXPECT_TRUE(one({8}, 0, 32));
  expect_error(one({17}, 0, 0), ErrorCode::kCorrupt, "is truncated: tensor 't' ends at byte 132, the file has 128");
  expect_error(one({16}, 0, 32), ErrorCode::kCorrupt, "is truncated");
  expect_error(one({8}, 0, 16), ErrorCode::kCorrupt, "not a multiple of 32");
  expect_error(one({8}, 0, kMost - 31), ErrorCode::kCorrupt, "impossible offset");
  expect_error(one({std::uint64_t{1} << 62}, 0, 0), ErrorCode::kCorrupt, "impossible shape");
  expect_error(one({std::uint64_t{1} << 32, std::uint64_t{1} << 32}, 24, 0), ErrorCode::kCorrupt, "impossible shape");
  expect_error(one({kMost}, 24, 0), ErrorCode::kCorrupt, "impossible shape");
  expect_error(one({31}, 8, 0), ErrorCode::kCorrupt, "impossible shape [31] for type Q8_0");
  expect_error(one({4}, 4, 0), ErrorCode::kUnsupported, "type 4");
  expect_error(one({4}, 1000, 0), ErrorCode::kUnsupported, "type 1000");
  expect_error(one({1, 1, 1, 1, 1}, 0, 0), ErrorCode::kCorrupt, "5 dimensions");
  expect_error(RawGguf().head(1, 0).tensor(std::string(64, 'n'), {4}, 0, 0).pad(32).zeros(64).open(),
               ErrorCode::kCorrupt, "longer than 63 bytes");
  expect_error(RawGguf().head(2, 0).tensor("t", {4}, 0, 0).tensor("t", {4}, 0, 32).pad(32).zeros(64).open(),
               ErrorCode::kCorrupt, "tensor 't' is there twice");
}

TEST(GgufFile, TheAlignmentKeyIsFollowed) {
  const auto file = RawGguf()
                        .head(2, 1)
                        .key("general.alignment", GgufValueType::kUint32)
                        .put(256)
                        .tensor("a", {1}, 0, 0)
                        .tensor("b", {1}, 0, 256)
                        .pad(256)
                        .put(1.5F)
                        .pad(256)
                        .put(2.5F)
                        .open();
  ASSERT_TRUE(file) << file.error().message;
  float value = 0;
  std::memcpy(&value, file->find_tensor("b")->data.data(), sizeof value);
  EXPECT_EQ(value, 2.5F);
}

TEST(GgufFile, NumbersOfAnyWidthAndNothingElse) {
  using enum GgufValueType;
  const auto u32 = [](GgufValueType type) { return static_cast<std::uint32_t>(type); };
  const auto file = RawGguf()
                        .head(0, 9)
                        .key("u8", kUint8)
                        .put<std::uint8_t>(200)
                        .key("i8", kInt8)
                        .put<std::int8_t>(-1)
                        .key("i16", kInt16)
                        .put<std::int16_t>(7)
                        .key("u64", kUint64)
                        .put(std::numeric_limits<std::uint64_t>::max())
                        .key("i64", kInt64)
                        .put(std::numeric_limits<std::int64_t>::min())
                        .key("f64", kFloat64)
                        .put(0.5)
                        .key("bool", kBool)
                        .put('\1')
                        .key("list", kArray)
                        .put(u32(kInt32))
                        .put<std::uint64_t>(2)
                        .put(3)
                        .put(4)
                        .key("bad list", kArray)
                        .put(u32(kInt32))
                        .put<std::uint64_t>(2)
                        .put(3)
                        .put(-4)
                        .open();
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(**file->find_uint("u8"), 200U);
  EXPECT_EQ(**file->find_uint("i16"), 7U);
  EXPECT_EQ(**file->find_uint("u64"), std::numeric_limits<std::uint64_t>::max());
  for (const char* key : {"i8", "i64", "f64", "bool", "list"})
    EXPECT_EQ(file->find_uint(key).error().code, ErrorCode::kCorrupt) << key;
  EXPECT_FALSE(file->find_uint("missing")->has_value());
  EXPECT_EQ(**file->find_float("f64"), 0.5);
  EXPECT_FALSE(file->find_float("u8"));
  EXPECT_TRUE(**file->find_bool("bool"));
  EXPECT_FALSE(file->find_bool("u8"));
  EXPECT_THAT(**file->find_uints("list"), testing::ElementsAre(3, 4));
  EXPECT_FALSE(file->find_uints("bad list"));
  EXPECT_FALSE(file->find_uints("u8"));
  EXPECT_FALSE(file->find_strings("list"));
  EXPECT_FALSE(file->find_string("list"));
}

}  // namespace
}  // namespace hyprstream
