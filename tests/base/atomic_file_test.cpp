#include "base/atomic_file.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace hyprstream {
namespace {

class AtomicFileTest : public testing::Test {
 protected:
  AtomicFileTest() {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    directory_ = std::filesystem::path(testing::TempDir()) / (std::string("atomic_file_") + info->name());
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
  }
  ~AtomicFileTest() override { std::filesystem::remove_all(directory_); }

  static std::string contents(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(directory_), {}));
  }

  std::filesystem::path directory_;
};

TEST_F(AtomicFileTest, ShowsNothingBeforePublish) {
  const auto path = directory_ / "model.gguf";
  auto file = AtomicFile::create(path);
  ASSERT_TRUE(file);
  ASSERT_TRUE(file->write(std::string_view("whole")));
  EXPECT_FALSE(std::filesystem::exists(path));
  ASSERT_TRUE(file->publish());
  EXPECT_EQ(contents(path), "whole");
  EXPECT_EQ(file->bytes_written(), 5U);
  EXPECT_EQ(files(), 1U);
}

TEST_F(AtomicFileTest, AbandonedLeavesTheOldFileAndNoOther) {
  const auto path = directory_ / "model.gguf";
  std::ofstream(path) << "old";
  {
    auto file = AtomicFile::create(path);
    ASSERT_TRUE(file);
    ASSERT_TRUE(file->write(std::string_view("new")));
  }
  EXPECT_EQ(contents(path), "old");
  EXPECT_EQ(files(), 1U);
}

TEST_F(AtomicFileTest, NamesTheDirectoryThatIsMissing) {
  const auto file = AtomicFile::create(directory_ / "missing" / "file");
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, ErrorCode::kNotFound);
  EXPECT_NE(file.error().message.find("missing"), std::string::npos);
}

TEST_F(AtomicFileTest, RefusesADirectory) {
  const auto file = AtomicFile::create(directory_);
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, ErrorCode::kInvalidArgument);
}

TEST_F(AtomicFileTest, PublishedFileIsReadableAsTheUmaskSays) {
  const auto path = directory_ / "file";
  auto file = AtomicFile::create(path);
  ASSERT_TRUE(file && file->publish());
  const auto mode = std::filesystem::status(path).permissions();
  EXPECT_NE(mode & std::filesystem::perms::owner_read, std::filesystem::perms::none);
  EXPECT_EQ(mode & std::filesystem::perms::owner_exec, std::filesystem::perms::none);
}

}  // namespace
}  // namespace hyprstream
