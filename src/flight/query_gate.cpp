#include "flight/query_gate.hpp"

#include <algorithm>
#include <format>
#include <thread>

namespace hyprstream {
namespace {

using namespace std::chrono_literals;

QueryLimits filled_in(QueryLimits limits) {
  if (limits.running == 0) limits.running = std::max(4, 2 * static_cast<int>(std::thread::hardware_concurrency()));
  return limits;
}

}  // namespace

QueryGate::QueryGate(const QueryLimits& limits) : limits_(filled_in(limits)), free_(limits_.running) {}

Result<QueryGate::Turn> QueryGate::enter(const ActiveCall& call) {
  std::unique_lock lock(mutex_);
  if (free_ == 0 && new_waiting_ >= limits_.waiting)
    return fail(ErrorCode::kUnavailable, std::format("the server is busy: {} queries run and {} wait, as many as may; "
                                                     "try again later",
                                                     limits_.running, new_waiting_));
  ++new_waiting_;
  auto turn = wait(lock, call, Clock::now() + limits_.longest_wait);
  --new_waiting_;
  return turn;
}

Result<QueryGate::Turn> QueryGate::enter_again(const ActiveCall& call) {
  std::unique_lock lock(mutex_);
  return wait(lock, call, Clock::time_point::max());
}

Result<QueryGate::Turn> QueryGate::wait(std::unique_lock<std::mutex>& lock, const ActiveCall& call,
                                        Clock::time_point deadline) {
  HYPRSTREAM_TRY(call.require_wanted());
  if (free_ > 0) {
    --free_;
    return Turn(this);
  }
  Waiter waiter;
  waiting_.push_back(&waiter);
  while (!waiter.admitted && !call.cancelled() && Clock::now() < deadline) waiter.wake.wait_for(lock, 50ms);
  if (waiter.admitted) return Turn(this);
  std::erase(waiting_, &waiter);
  HYPRSTREAM_TRY(call.require_wanted());
  return fail(ErrorCode::kUnavailable, std::format("the server is busy: the query has waited {} s for its turn; try "
                                                   "again later",
                                                   limits_.longest_wait.count()));
}

void QueryGate::leave() {
  const std::scoped_lock lock(mutex_);
  if (waiting_.empty()) {
    ++free_;
    return;
  }
  // The place goes to the next without becoming free, so nobody can slip in between.
  Waiter* next = waiting_.front();
  waiting_.pop_front();
  next->admitted = true;
  next->wake.notify_one();
}

}  // namespace hyprstream
