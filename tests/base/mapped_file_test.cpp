#include "base/mapped_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstring>
#include <fstream>

namespace hyprstream {
namespace {

std::filesystem::path scratch(const char* name) { return std::filesystem::path(testing::TempDir()) / name; }

TEST(MappedFile, MapsEveryByte) {
  const auto path = scratch("mapped_bytes");
  std::ofstream(path, std::ios::binary) << "bytes";
  auto file = MappedFile::open(path);
  ASSERT_TRUE(file);
  ASSERT_EQ(file->bytes().size(), 5U);
  EXPECT_EQ(std::memcmp(file->bytes().data(), "bytes", 5), 0);
  const auto moved = std::move(*file);
  EXPECT_EQ(moved.bytes().size(), 5U);
  EXPECT_TRUE(file->bytes().empty());
}

TEST(MappedFile, AnEmptyFileIsAnEmptySpan) {
  const auto path = scratch("mapped_empty");
  std::ofstream{path};
  const auto file = MappedFile::open(path);
  ASSERT_TRUE(file);
  EXPECT_TRUE(file->bytes().empty());
}

TEST(MappedFile, RefusesWhatIsNoFile) {
  EXPECT_EQ(MappedFile::open(scratch("mapped_missing")).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(MappedFile::open(testing::TempDir()).error().code, ErrorCode::kInvalidArgument);
  const auto fifo = scratch("mapped_fifo");
  std::filesystem::remove(fifo);
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_EQ(MappedFile::open(fifo).error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace hyprstream
