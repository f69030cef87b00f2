#include "hub/resume_state.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "base/sha256.hpp"
#include "hub/front_hasher.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace hyprstream {
namespace {

constexpr auto kSegment = ResumeState::kSegmentSize;

class ResumeStateTest : public testing::Test {
 protected:
  ResumeStateTest() {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    directory_ = std::filesystem::path(testing::TempDir()) / (std::string("resume_state_") + info->name());
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
    path_ = directory_ / "state";
  }
  ~ResumeStateTest() override { std::filesystem::remove_all(directory_); }

  std::filesystem::path directory_;
  std::filesystem::path path_;
};

TEST_F(ResumeStateTest, CountsAreThereForTheNextProcess) {
  {
    auto state = ResumeState::open(path_, "digest", 2 * kSegment + 5);
    ASSERT_TRUE(state) << state.error().message;
    EXPECT_EQ(state->segments(), 3U);
    EXPECT_EQ(state->size_of(2), 5U);
    EXPECT_EQ(state->begin_of(2), 2 * kSegment);
    EXPECT_EQ(state->total_progress(), 0U);
    state->set_progress(0, kSegment);
    state->set_progress(2, 3);
  }
  const auto state = ResumeState::open(path_, "digest", 2 * kSegment + 5);
  ASSERT_TRUE(state);
  EXPECT_EQ(state->progress(0), kSegment);
  EXPECT_EQ(state->progress(1), 0U);
  EXPECT_EQ(state->total_progress(), kSegment + 3);
  EXPECT_EQ(ResumeState::read(path_)->boot_id, current_boot_id());
}

TEST_F(ResumeStateTest, AnotherDownloadBeginsAnew) {
  const auto with_progress = [&] {
    ResumeState::open(path_, "digest", 100)->set_progress(0, 50);
    return path_;
  };
  EXPECT_EQ(ResumeState::open(with_progress(), "digest", 100)->total_progress(), 50U);
  EXPECT_EQ(ResumeState::open(with_progress(), "digest", 101)->total_progress(), 0U);
  EXPECT_EQ(ResumeState::open(with_progress(), "other", 100)->total_progress(), 0U);
  ResumeState::open(with_progress(), "digest", 100)->set_published();
  EXPECT_TRUE(ResumeState::read(path_)->published);
  EXPECT_EQ(ResumeState::open(path_, "digest", 100)->total_progress(), 0U);
}

TEST_F(ResumeStateTest, DamagedRecordsAreNone) {
  {
    ASSERT_TRUE(ResumeState::open(path_, "digest", 3 * kSegment));
  }
  std::ifstream file(path_, std::ios::binary);
  const std::string whole{std::istreambuf_iterator<char>(file), {}};
  const auto parses = [](const std::string& bytes) {
    return parse_resume_state(std::as_bytes(std::span(bytes))).has_value();
  };
  ASSERT_TRUE(parses(whole));
  for (std::size_t length = 0; length < whole.size(); ++length) EXPECT_FALSE(parses(whole.substr(0, length)));
  EXPECT_FALSE(parses(whole + "x"));
  for (const std::size_t at : {0, 8, 23, 31, 32, 33}) {
    auto changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 0x41);
    EXPECT_FALSE(parses(changed)) << at;
  }
  auto too_far = whole;
  too_far[whole.size() - 1] = '\x7f';
  EXPECT_FALSE(parses(too_far));
}

TEST_F(ResumeStateTest, NothingToFetch) {
  const auto state = ResumeState::open(path_, "digest", 0);
  ASSERT_TRUE(state);
  EXPECT_EQ(state->segments(), 0U);
}

TEST_F(ResumeStateTest, LinksAreNotFollowed) {
  const auto victim = directory_ / "victim";
  std::ofstream(victim) << "precious";
  std::filesystem::create_symlink(victim, path_);
  EXPECT_FALSE(ResumeState::open(path_, "digest", 100));
  EXPECT_EQ(std::filesystem::file_size(victim), 8U);
}

// Segments that come out of order, in pieces, while the hash follows.
TEST_F(ResumeStateTest, TheHashFollowsTheFront) {
  const std::uint64_t size = 2 * kSegment + 12'345;
  std::string data(size, '\0');
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>(i * 2654435761U >> 13);
  const int file = ::open((directory_ / "data").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  ASSERT_GE(file, 0);
  ASSERT_EQ(::ftruncate(file, static_cast<off_t>(size)), 0);
  auto state = ResumeState::open(path_, "digest", size);
  ASSERT_TRUE(state);
  auto hasher = FrontHasher::start(file, *state);
  ASSERT_TRUE(hasher);
  for (const std::size_t segment : {2, 0, 1}) {
    EXPECT_LE((*hasher)->hashed(), segment == 2 ? 0 : (segment == 0 ? 0 : kSegment));
    for (std::uint64_t done = 0; done < state->size_of(segment);) {
      const auto piece = std::min<std::uint64_t>(1'000'000, state->size_of(segment) - done);
      const auto at = state->begin_of(segment) + done;
      ASSERT_EQ(::pwrite(file, data.data() + at, piece, static_cast<off_t>(at)), static_cast<ssize_t>(piece));
      done += piece;
      state->set_progress(segment, done);
      (*hasher)->wake();
    }
  }
  EXPECT_EQ((*hasher)->finish().value(), sha256_hex(std::as_bytes(std::span(data))).value());
  EXPECT_EQ((*hasher)->hashed(), size);
  // One that is left alone stops when it goes.
  state->reset();
  {
    auto waiting = FrontHasher::start(file, *state);
  }
  ::close(file);
}

}  // namespace
}  // namespace hyprstream
