// How many queries work at once. What waits for a client - a reader that takes its time - does not count, so that slow
// clients do not keep others out.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

#include "base/error.hpp"
#include "flight/active_call.hpp"
#include "flight/statement_limits.hpp"

namespace hyprstream {

// First come, first served. Thread-safe.
class QueryGate {
 public:
  // Gives its place to the next when it ends.
  class Turn {
   public:
    Turn(Turn&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}
    Turn& operator=(Turn&&) = delete;
    ~Turn() { end(); }
    void end() noexcept {
      if (auto* gate = std::exchange(gate_, nullptr)) gate->leave();
    }

   private:
    friend class QueryGate;
    explicit Turn(QueryGate* gate) noexcept : gate_(gate) {}
    QueryGate* gate_;
  };

  explicit QueryGate(const QueryLimits& limits);

  // For a call that begins. Errors: kUnavailable (too many wait, or for too long), kCancelled.
  Result<Turn> enter(const ActiveCall& call);
  // For one that was let in before and goes on: it is not refused. Errors: kCancelled.
  Result<Turn> enter_again(const ActiveCall& call);

 private:
  struct Waiter {
    std::condition_variable wake;
    bool admitted = false;
  };
  using Clock = std::chrono::steady_clock;

  Result<Turn> wait(std::unique_lock<std::mutex>& lock, const ActiveCall& call, Clock::time_point deadline);
  void leave();

  const QueryLimits limits_;
  std::mutex mutex_;
  int free_;                     // under mutex_
  std::deque<Waiter*> waiting_;  // under mutex_
  int new_waiting_ = 0;          // those of enter(); under mutex_
};

}  // namespace hyprstream
