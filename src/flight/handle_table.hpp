// What clients hold by handle: statements, transactions. A handle is known to those alone who were given it, belongs to
// the key that it was given to, and is forgotten when it is not used.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <format>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/hex.hpp"

namespace hyprstream {

// 128 random bits, as hexadecimal digits.
inline std::string make_handle() {
  std::random_device random;
  std::array<std::uint32_t, 4> words{};
  for (auto& word : words) word = random();
  return to_hex(std::as_bytes(std::span(words)));
}

// Thread-safe.
template <typename T>
class HandleTable {
 public:
  using Clock = std::chrono::steady_clock;

  // `what`: "statement", for messages. `limit`: of entries at once; `each`: of one owner's. `idle`: how long one is
  // kept unused.
  HandleTable(std::string what, std::size_t limit, std::size_t each, std::chrono::milliseconds idle)
      : what_(std::move(what)), limit_(limit), each_(each), idle_(idle) {}

  // Errors: kUnavailable (there are as many as there may be).
  Result<std::string> add(std::string owner, std::shared_ptr<T> value) {
    const std::scoped_lock lock(mutex_);
    if (entries_.size() >= limit_)
      return fail(ErrorCode::kUnavailable, std::format("{} {}s are open, as many as the server keeps: close some, or "
                                                       "try again later",
                                                       entries_.size(), what_));
    auto& owned = owned_[owner];
    if (owned >= each_)
      return fail(
          ErrorCode::kUnavailable,
          std::format("{} {}s of this key are open, as many as the server keeps for one: close some", owned, what_));
    ++owned;
    auto handle = make_handle();
    entries_.emplace(handle, Entry{std::move(owner), std::move(value), Clock::now()});
    return handle;
  }

  // Errors: kNotFound (never given to this owner, closed, or expired).
  Result<std::shared_ptr<T>> find(const std::string& handle, const std::string& owner) {
    const std::scoped_lock lock(mutex_);
    const auto at = entries_.find(handle);
    if (at == entries_.end() || at->second.owner != owner) return unknown();
    at->second.used = std::max(at->second.used, Clock::now());
    return at->second.value;
  }

  // Errors: as find().
  Result<std::shared_ptr<T>> take(const std::string& handle, const std::string& owner) {
    const std::scoped_lock lock(mutex_);
    const auto at = entries_.find(handle);
    if (at == entries_.end() || at->second.owner != owner) return unknown();
    auto value = std::move(at->second.value);
    erase(at);
    return value;
  }

  // Takes out what nobody has asked for in its time. `in_use(value)`: whether it works at something now.
  template <typename InUse>
  std::vector<std::shared_ptr<T>> expire(Clock::time_point now, InUse&& in_use) {
    std::vector<std::shared_ptr<T>> gone;
    const std::scoped_lock lock(mutex_);
    for (auto at = entries_.begin(); at != entries_.end();) {
      auto& entry = at->second;
      if (in_use(*entry.value)) entry.used = std::max(entry.used, now);
      if (now - entry.used < idle_) {
        ++at;
        continue;
      }
      gone.push_back(std::move(entry.value));
      at = erase(at);
    }
    return gone;
  }

  std::size_t size() const {
    const std::scoped_lock lock(mutex_);
    return entries_.size();
  }

 private:
  struct Entry {
    std::string owner;
    std::shared_ptr<T> value;
    Clock::time_point used;
  };

  using Entries = std::map<std::string, Entry, std::less<>>;

  typename Entries::iterator erase(typename Entries::iterator at) {
    const auto owned = owned_.find(at->second.owner);
    if (--owned->second == 0) owned_.erase(owned);
    return entries_.erase(at);
  }

  std::unexpected<Error> unknown() const {
    return fail(ErrorCode::kNotFound,
                std::format("there is no such {}: it was closed, has expired after {} s without "
                            "use, or belongs to another key",
                            what_, std::chrono::duration_cast<std::chrono::seconds>(idle_).count()));
  }

  const std::string what_;
  const std::size_t limit_;
  const std::size_t each_;
  const std::chrono::milliseconds idle_;
  mutable std::mutex mutex_;
  Entries entries_;                                        // under mutex_
  std::map<std::string, std::size_t, std::less<>> owned_;  // entries by owner; under mutex_
};

}  // namespace hyprstream
