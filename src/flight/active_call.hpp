// A call that a client waits for: whether the client is still there, and what to stop when it is not.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "catalog/session.hpp"

namespace hyprstream {

// Thread-safe.
class ActiveCall {
 public:
  using Clock = std::chrono::steady_clock;

  // `gone`: whether the client has given up; `hang_up`: ends the call whatever it waits for, may be empty. Both are
  // called from the watch's thread alone. `limit`: the time that a statement may take; 0: any.
  explicit ActiveCall(std::function<bool()> gone, std::function<void()> hang_up = {},
                      std::chrono::milliseconds limit = {})
      : gone_(std::move(gone)), hang_up_(std::move(hang_up)), limit_(limit) {}

  void cancel() noexcept;
  bool cancelled() const noexcept { return cancelled_.load(std::memory_order_relaxed); }
  // Errors: kCancelled, kUnavailable (the statement's time is up).
  Result<void> require_wanted() const;
  // What `error` of the work says to the client: that the time is up where that has ended it.
  Error reason(Error error) const;

  // A statement begins: past its time the call is cancelled.
  void start_clock() noexcept;
  // What follows is up to the client, which may take as long as it wants.
  void stop_clock() noexcept { deadline_ = Clock::time_point::max(); }

  // The session that works for this call from now on, to be interrupted if the call is cancelled; null: none.
  void set_working(Session* session) noexcept;

 private:
  friend class CallWatch;

  // Ends what is past its time: interrupts it at first, and hangs up where that has not helped.
  void look_at_clock(Clock::time_point now) noexcept;

  const std::function<bool()> gone_;
  std::function<void()> hang_up_;
  const std::chrono::milliseconds limit_;
  std::atomic<Clock::time_point> deadline_ = Clock::time_point::max();
  std::atomic<bool> late_ = false;
  std::atomic<bool> cancelled_ = false;
  std::mutex mutex_;
  Session* working_ = nullptr;  // under mutex_
};

class CallWatch;

// Has a call watched until its own end; the call's `gone` is not asked after that. Not thread-safe.
class WatchedCall {
 public:
  WatchedCall(WatchedCall&& other) noexcept = default;
  WatchedCall& operator=(WatchedCall&& other) noexcept;
  ~WatchedCall() { end(); }

  ActiveCall& operator*() const noexcept { return *call_; }
  ActiveCall* operator->() const noexcept { return call_.get(); }
  const std::shared_ptr<ActiveCall>& shared() const noexcept { return call_; }
  void end() noexcept;

 private:
  friend class CallWatch;
  WatchedCall(CallWatch* watch, std::shared_ptr<ActiveCall> call) noexcept : watch_(watch), call_(std::move(call)) {}

  CallWatch* watch_;
  std::shared_ptr<ActiveCall> call_;  // null: ended
};

// Looks after calls while they run: DuckDB does not notice that a client has left. Thread-safe.
class CallWatch {
 public:
  // `every_second`: called about once a second, on the watch's thread. `limit`: as ActiveCall's.
  explicit CallWatch(std::function<void()> every_second, std::chrono::milliseconds limit = {});
  ~CallWatch();
  CallWatch(const CallWatch&) = delete;
  CallWatch& operator=(const CallWatch&) = delete;

  WatchedCall watch(std::function<bool()> gone, std::function<void()> hang_up = {});
  // All that run, and all that come.
  void cancel_all();

 private:
  friend class WatchedCall;

  void run();
  void look();
  void forget(const ActiveCall* call) noexcept;

  const std::function<void()> every_second_;
  const std::chrono::milliseconds limit_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<ActiveCall*> calls_;  // under mutex_
  bool closing_ = false;            // under mutex_
  bool ending_ = false;             // under mutex_
  std::thread thread_;
};

}  // namespace hyprstream
