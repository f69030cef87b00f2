// The SHA-256 of a file that is still being written, in a thread of its own: it follows the front up to
// which everything is there.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "base/error.hpp"
#include "hub/resume_state.hpp"

namespace hyprstream {

// Begins at the start of the file, whatever is there already. wake() and finish() may be called by one
// thread beside the hashing one. Stops when it is destroyed.
class FrontHasher {
 public:
  // `file` is read at offsets; `state` says how far each segment is. Both must outlive it.
  // Errors: those of Sha256::create(); kResourceExhausted (no thread).
  static Result<std::unique_ptr<FrontHasher>> start(int file, const ResumeState& state);

  FrontHasher(const FrontHasher&) = delete;
  FrontHasher& operator=(const FrontHasher&) = delete;
  ~FrontHasher();

  // Says that there may be more.
  void wake() noexcept;

  std::uint64_t hashed() const noexcept { return hashed_.load(std::memory_order_relaxed); }
  // Whether finish() will not wait.
  bool is_done() const noexcept { return done_.load(std::memory_order_acquire); }

  // Waits until all is hashed, which the caller must have written by now. Errors: kIo.
  Result<std::string> finish();

 private:
  FrontHasher(int file, const ResumeState& state) : file_(file), state_(state) {}

  Result<std::string> run(const std::stop_token& stop);
  // Bytes from `segment`'s start that are there; waits until that is more than `seen`. 0 if stopped.
  std::uint64_t wait_for_more(std::size_t segment, std::uint64_t seen, const std::stop_token& stop);

  int file_;
  const ResumeState& state_;
  std::atomic<std::uint64_t> hashed_ = 0;
  std::atomic<bool> done_ = false;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  Result<std::string> digest_;
  std::jthread thread_;  // last: ends first
};

}  // namespace hyprstream
