#include "base/staged_directory.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace hyprstream {
namespace {

namespace fs = std::filesystem;

class StagedDirectoryTest : public testing::Test {
 protected:
  void SetUp() override {
    parent_ = fs::path(testing::TempDir()) / ("staged-" + std::to_string(::getpid()));
    fs::remove_all(parent_);
  }
  void TearDown() override { fs::remove_all(parent_); }
  void fill(const fs::path& directory) const { std::ofstream(directory / "file") << "content"; }
  std::size_t entries() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(parent_), fs::directory_iterator()));
  }

  fs::path parent_;
};

TEST_F(StagedDirectoryTest, AppearsOnlyWhenPublished) {
  auto staged = StagedDirectory::create(parent_);
  ASSERT_TRUE(staged) << staged.error().message;
  fill(staged->path());
  EXPECT_FALSE(fs::exists(parent_ / "name"));
  ASSERT_TRUE(staged->publish(parent_ / "name"));
  EXPECT_TRUE(fs::exists(parent_ / "name" / "file"));
  EXPECT_EQ(entries(), 1U);
}

TEST_F(StagedDirectoryTest, IsRemovedIfItIsNotPublished) {
  {
    fill(StagedDirectory::create(parent_)->path());
  }
  EXPECT_EQ(entries(), 0U);
}

TEST_F(StagedDirectoryTest, DoesNotReplaceAndCanTryAnotherName) {
  fs::create_directories(parent_ / "taken");
  fill(parent_ / "taken");
  fs::create_directories(parent_ / "empty");
  auto staged = StagedDirectory::create(parent_);
  fill(staged->path());
  const auto refused = staged->publish(parent_ / "taken");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kAlreadyExists);
  fs::create_directory_symlink(parent_ / "taken", parent_ / "link");
  EXPECT_EQ(staged->publish(parent_ / "link").error().code, ErrorCode::kAlreadyExists);
  // An empty one holds nothing that could be lost.
  EXPECT_TRUE(staged->publish(parent_ / "empty"));
  EXPECT_TRUE(fs::exists(parent_ / "empty" / "file"));
}

TEST_F(StagedDirectoryTest, RemovesWhatAKilledProcessLeftAndNothingElse) {
  auto mine = StagedDirectory::create(parent_);
  fill(mine->path());
  int pipe_ends[2];
  ASSERT_EQ(::pipe(pipe_ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto theirs = StagedDirectory::create(parent_);
    if (theirs) std::ofstream(theirs->path() / "file") << "half";
    const char done = theirs ? 'y' : 'n';
    [[maybe_unused]] const auto written = ::write(pipe_ends[1], &done, 1);
    ::pause();
    ::_exit(0);
  }
  char done = 0;
  ASSERT_EQ(::read(pipe_ends[0], &done, 1), 1);
  ASSERT_EQ(done, 'y');
  EXPECT_EQ(entries(), 2U);
  {
    const auto during = StagedDirectory::create(parent_);
  }
  EXPECT_EQ(entries(), 2U) << "a living process keeps its directory";
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  {
    const auto after = StagedDirectory::create(parent_);
  }
  EXPECT_EQ(entries(), 1U);
  EXPECT_TRUE(fs::exists(mine->path() / "file"));
  ::close(pipe_ends[0]);
  ::close(pipe_ends[1]);
}

TEST_F(StagedDirectoryTest, RemovesADirectoryWhole) {
  fs::create_directories(parent_ / "old" / "inner");
  fill(parent_ / "old" / "inner");
  ASSERT_TRUE(remove_directory(parent_ / "old", parent_));
  EXPECT_EQ(entries(), 0U);
  EXPECT_EQ(remove_directory(parent_ / "old", parent_).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace hyprstream
