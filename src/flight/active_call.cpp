#include "flight/active_call.hpp"

#include <algorithm>
#include <chrono>
#include <format>
#include <utility>

namespace hyprstream {
namespace {

using namespace std::chrono_literals;

// How long a query may run on after its client has left.
constexpr auto kLook = 50ms;
// How long what was interrupted may take to say so.
constexpr auto kGrace = 2s;

}  // namespace

void ActiveCall::cancel() noexcept {
  const std::scoped_lock lock(mutex_);
  cancelled_.store(true, std::memory_order_relaxed);
  if (working_ != nullptr) working_->interrupt();
}

Result<void> ActiveCall::require_wanted() const {
  if (late_)
    return fail(ErrorCode::kUnavailable,
                std::format("the statement took longer than the {} s that the server allows: ask for less at a time",
                            std::chrono::duration<double>(limit_).count()));
  if (cancelled()) return fail(ErrorCode::kCancelled, "the query was cancelled");
  return {};
}

Error ActiveCall::reason(Error error) const {
  if (!late_) return error;
  return require_wanted().error();
}

void ActiveCall::start_clock() noexcept {
  if (limit_ != std::chrono::milliseconds::zero()) deadline_ = Clock::now() + limit_;
}

void ActiveCall::look_at_clock(Clock::time_point now) noexcept {
  const auto deadline = deadline_.load();
  if (now < deadline) return;
  late_ = true;
  cancel();
  if (now - deadline < kGrace) return;
  if (const auto hang_up = std::exchange(hang_up_, nullptr)) hang_up();
}

void ActiveCall::set_working(Session* session) noexcept {
  const std::scoped_lock lock(mutex_);
  working_ = session;
}

WatchedCall& WatchedCall::operator=(WatchedCall&& other) noexcept {
  if (this != &other) {
    end();
    watch_ = other.watch_;
    call_ = std::move(other.call_);
  }
  return *this;
}

void WatchedCall::end() noexcept {
  if (call_ == nullptr) return;
  watch_->forget(call_.get());
  call_ = nullptr;
}

CallWatch::CallWatch(std::function<void()> every_second, std::chrono::milliseconds limit)
    : every_second_(std::move(every_second)), limit_(limit), thread_([this] { run(); }) {}

CallWatch::~CallWatch() {
  {
    const std::scoped_lock lock(mutex_);
    ending_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

WatchedCall CallWatch::watch(std::function<bool()> gone, std::function<void()> hang_up) {
  auto call = std::make_shared<ActiveCall>(std::move(gone), std::move(hang_up), limit_);
  bool first = false;
  {
    const std::scoped_lock lock(mutex_);
    if (closing_) call->cancel();
    first = calls_.empty();
    calls_.push_back(call.get());
  }
  if (first) wake_.notify_one();
  return {this, std::move(call)};
}

void CallWatch::cancel_all() {
  const std::scoped_lock lock(mutex_);
  closing_ = true;
  for (auto* call : calls_) call->cancel();
}

void CallWatch::forget(const ActiveCall* call) noexcept {
  const std::scoped_lock lock(mutex_);
  std::erase(calls_, call);
}

void CallWatch::run() {
  auto second = std::chrono::steady_clock::now();
  std::unique_lock lock(mutex_);
  while (!ending_) {
    if (calls_.empty())
      wake_.wait_for(lock, 1s, [this] { return ending_ || !calls_.empty(); });
    else
      wake_.wait_for(lock, kLook, [this] { return ending_; });
    look();
    const auto now = std::chrono::steady_clock::now();
    if (now - second < 1s) continue;
    second = now;
    lock.unlock();
    every_second_();
    lock.lock();
  }
}

// An interruption that comes a moment before a statement starts is lost, so each look gives it again.
void CallWatch::look() {
  const auto now = std::chrono::steady_clock::now();
  for (auto* call : calls_) {
    if (call->cancelled() || call->gone_()) call->cancel();
    call->look_at_clock(now);
  }
}

}  // namespace hyprstream
