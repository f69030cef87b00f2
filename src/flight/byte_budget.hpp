// Memory that clients make the server hold between their calls.
#pragma once

#include <cstddef>
#include <format>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "base/error.hpp"

namespace hyprstream {

// Thread-safe. Must outlive its shares.
class ByteBudget {
 public:
  // Bytes that are held; given back when it ends. Not thread-safe.
  class Share {
   public:
    Share() noexcept = default;
    Share(Share&& other) noexcept
        : budget_(std::exchange(other.budget_, nullptr)), owner_(std::move(other.owner_)), bytes_(other.bytes_) {}
    Share& operator=(Share&& other) noexcept {
      std::swap(budget_, other.budget_);
      std::swap(owner_, other.owner_);
      std::swap(bytes_, other.bytes_);
      return *this;
    }
    ~Share() {
      if (budget_ != nullptr) budget_->give_back(owner_, bytes_);
    }

   private:
    friend class ByteBudget;
    Share(ByteBudget* budget, std::string owner, std::size_t bytes)
        : budget_(budget), owner_(std::move(owner)), bytes_(bytes) {}

    ByteBudget* budget_ = nullptr;
    std::string owner_;
    std::size_t bytes_ = 0;
  };

  // `all`: of all owners together; `each`: of one of them.
  ByteBudget(std::size_t all, std::size_t each) : all_(all), each_(each) {}

  // Errors: kUnavailable (there is not that much left).
  Result<Share> take(const std::string& owner, std::size_t bytes) {
    const std::scoped_lock lock(mutex_);
    const auto held = held_.find(owner);
    const std::size_t own = held == held_.end() ? 0 : held->second;
    if (bytes > all_ - taken_ || own > each_ || bytes > each_ - own)
      return fail(ErrorCode::kUnavailable,
                  std::format("open statements hold {} bytes of text and parameters for this key, and {} in all, of {} "
                              "and {} that the server keeps: close some, or try again later",
                              own, taken_, each_, all_));
    taken_ += bytes;
    held_[owner] += bytes;
    return Share(this, owner, bytes);
  }

 private:
  void give_back(const std::string& owner, std::size_t bytes) noexcept {
    const std::scoped_lock lock(mutex_);
    taken_ -= bytes;
    const auto held = held_.find(owner);
    if ((held->second -= bytes) == 0) held_.erase(held);
  }

  const std::size_t all_;
  const std::size_t each_;
  std::mutex mutex_;
  std::size_t taken_ = 0;                                 // under mutex_
  std::map<std::string, std::size_t, std::less<>> held_;  // by owner; under mutex_
};

}  // namespace hyprstream
