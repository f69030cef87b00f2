#include "runtime/thread_governor.hpp"

#include <filesystem>
#include <fstream>
#include <optional>

namespace hyprstream {
namespace {

using std::chrono::nanoseconds;

// Long enough that one wake-up of a daemon does not look like contention.
constexpr std::chrono::milliseconds kWindow{50};

// How long this process's threads have waited on run queues so far: the second field of
// schedstat (https://docs.kernel.org/scheduler/sched-stats.html).
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

ThreadGovernor::ThreadGovernor(int threads, bool adaptive) : policy_(threads), adaptive_(adaptive && threads > 1) {
  if (adaptive_) adaptive_ = run_queue_wait().has_value();
}

int ThreadGovernor::begin_step() {
  step_start_ = Clock::now();
  // Between windows nothing is read: the wait of a window's idle gaps is small, and a read of
  // every thread's file before each step would not be.
  if (adaptive_ && stepping_ == Clock::duration{}) waited_before_window_ = run_queue_wait().value_or(nanoseconds{});
  return policy_.threads();
}

void ThreadGovernor::end_step() {
  if (!adaptive_) return;
  stepping_ += Clock::now() - step_start_;
  if (stepping_ < kWindow) return;
  const auto waited = run_queue_wait().value_or(waited_before_window_) - waited_before_window_;
  policy_.update(std::chrono::duration<double>(stepping_).count(), std::chrono::duration<double>(waited).count());
  stepping_ = {};
}

}  // namespace hyprstream
