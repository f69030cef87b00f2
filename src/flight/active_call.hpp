// A call that a client waits for: whether the client is still there, and what to stop when it is not.
#pragma once

#include <atomic>
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
  // `gone`: whether the client has given up; asked from the watch's thread alone.
  explicit ActiveCall(std::function<bool()> gone) : gone_(std::move(gone)) {}

  void cancel() noexcept;
  bool cancelled() const noexcept { return cancelled_.load(std::memory_order_relaxed); }
  // Errors: kCancelled.
  Result<void> require_wanted() const;

  // The session that works for this call from now on, to be interrupted if the call is cancelled; null: none.
  void set_working(Session* session) noexcept;

 private:
  friend class CallWatch;

  const std::function<bool()> gone_;
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
  // `every_second`: called about once a second, on the watch's thread.
  explicit CallWatch(std::function<void()> every_second);
  ~CallWatch();
  CallWatch(const CallWatch&) = delete;
  CallWatch& operator=(const CallWatch&) = delete;

  WatchedCall watch(std::function<bool()> gone);
  // All that run, and all that come.
  void cancel_all();

 private:
  friend class WatchedCall;

  void run();
  void look();
  void forget(const ActiveCall* call) noexcept;

  const std::function<void()> every_second_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<ActiveCall*> calls_;  // under mutex_
  bool closing_ = false;            // under mutex_
  bool ending_ = false;             // under mutex_
  std::thread thread_;
};

}  // namespace hyprstream
