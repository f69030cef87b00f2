#include "hub/front_hasher.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <utility>
#include <vector>

#include "base/sha256.hpp"

namespace hyprstream {
namespace {

constexpr std::size_t kPiece = std::size_t{256} << 10;  // fits the second-level cache
// Should a wake() fall between a look and the wait for it.
constexpr std::chrono::milliseconds kPatience{20};

}  // namespace

Result<std::unique_ptr<FrontHasher>> FrontHasher::start(int file, const ResumeState& state) {
  std::unique_ptr<FrontHasher> hasher(new FrontHasher(file, state));
  try {
    hasher->thread_ = std::jthread([self = hasher.get()](const std::stop_token& stop) {
      self->digest_ = self->run(stop);
      self->done_.store(true, std::memory_order_release);
    });
  } catch (const std::system_error&) {
    return fail(ErrorCode::kResourceExhausted, "the system has no thread to give: close some programs");
  }
  return hasher;
}

FrontHasher::~FrontHasher() {
  thread_.request_stop();
  wake();
}

void FrontHasher::wake() noexcept { changed_.notify_one(); }

Result<std::string> FrontHasher::finish() {
  wake();
  thread_.join();
  return std::move(digest_);
}

std::uint64_t FrontHasher::wait_for_more(std::size_t segment, std::uint64_t seen, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    if (const auto there = state_.progress(segment); there > seen) return there;
    changed_.wait_for(lock, kPatience);
  }
  return 0;
}

Result<std::string> FrontHasher::run(const std::stop_token& stop) {
  HYPRSTREAM_ASSIGN(auto sum, Sha256::create());
  std::vector<std::byte> buffer(kPiece);
  for (std::size_t segment = 0; segment < state_.segments(); ++segment) {
    const auto size = state_.size_of(segment);
    for (std::uint64_t done = 0; done < size;) {
      const auto there = wait_for_more(segment, done, stop);
      if (there == 0) return fail(ErrorCode::kCancelled, "interrupted");
      while (done < there && !stop.stop_requested()) {
        const auto wanted = std::min<std::uint64_t>(kPiece, there - done);
        const auto count = ::pread(file_, buffer.data(), wanted, static_cast<off_t>(state_.begin_of(segment) + done));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return fail_errno("reading back what was downloaded failed", errno);
        if (count == 0) return fail(ErrorCode::kIo, "what was downloaded has become shorter on the disk");
        sum.update(std::span(buffer).first(static_cast<std::size_t>(count)));
        done += static_cast<std::uint64_t>(count);
        hashed_.fetch_add(static_cast<std::uint64_t>(count), std::memory_order_relaxed);
      }
    }
  }
  return sum.hex_digest();
}

}  // namespace hyprstream
