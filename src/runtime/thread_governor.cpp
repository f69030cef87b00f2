#include "runtime/thread_governor.hpp"

#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "runtime/spin_throttle.hpp"

namespace hyprstream {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

// Long enough that one wake-up of a daemon does not look like contention.
constexpr milliseconds kWindow{50};
// Waiting for a CPU, summed over our threads, as a share of the time spent in steps. Busy
// neighbours on every core give 0.5 and more, an idle machine under 0.02.
constexpr double kContendedShare = 0.2;
constexpr double kQuietShare = 0.05;
constexpr int kQuietWindowsToRelax = 3;

// How long this process's threads have waited on run queues:
// https://docs.kernel.org/scheduler/sched-stats.html, second field of schedstat.
std::optional<nanoseconds> run_queue_wait() {
  std::error_code error;
  long long total = 0;
  bool any = false;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task", error)) {
    std::ifstream file(task.path() / "schedstat");
    long long on_cpu = 0;
    long long waited = 0;
    if (file >> on_cpu >> waited) total += waited, any = true;
  }
  if (error || !any) return std::nullopt;
  return nanoseconds(total);
}

}  // namespace

ThreadGovernor::ThreadGovernor(int threads, bool adaptive) : threads_(threads), adaptive_(adaptive && threads > 1) {
  if (!adaptive_) return;
  const auto waited = run_queue_wait();
  adaptive_ = waited.has_value();
  waited_before_ = waited.value_or(nanoseconds{});
}

ThreadGovernor::~ThreadGovernor() = default;

int ThreadGovernor::begin_step() {
  step_start_ = Clock::now();
  return threads_;
}

void ThreadGovernor::end_step() {
  if (!adaptive_) return;
  const auto now = Clock::now();
  stepping_ += now - step_start_;
  if (stepping_ >= kWindow) close_window(now);
}

void ThreadGovernor::close_window(Clock::time_point /*now*/) {
  const auto waited = run_queue_wait().value_or(waited_before_);
  const double share =
      std::chrono::duration<double>(waited - waited_before_) / std::chrono::duration<double>(stepping_);
  waited_before_ = waited;
  stepping_ = {};
  if (share > kContendedShare) {
    quiet_windows_ = 0;
    if (throttle_ == nullptr) throttle_ = std::make_unique<SpinThrottle>();
  } else if (throttle_ != nullptr && share < kQuietShare && ++quiet_windows_ >= kQuietWindowsToRelax) {
    quiet_windows_ = 0;
    throttle_.reset();
  }
}

}  // namespace hyprstream
