// Keeps decoding usable while other processes want the same cores. Internal to runtime.
//
// ggml's CPU threads meet at a barrier after every operation, and libgomp's barrier spins for
// milliseconds before it sleeps. On an idle machine that is the fastest way to wait. When another
// process holds the core of one thread, the others burn their own time slices spinning, and decode
// falls to a fraction of its speed. libgomp spins far less as soon as it manages more threads than
// there are CPUs, so a few parked threads switch its behaviour at run time (docs/performance.md).
#pragma once

#include <chrono>
#include <memory>

namespace hyprstream {

class SpinThrottle;

// Not thread-safe: belongs to the thread that runs the steps.
class ThreadGovernor {
 public:
  // `threads`: the number for an idle machine. Without `adaptive` nothing ever changes.
  ThreadGovernor(int threads, bool adaptive);
  ~ThreadGovernor();

  // Call around each evaluation; begin_step() gives the number of threads to use for it.
  int begin_step();
  void end_step();

  // Whether the last window of steps was contended.
  bool is_contended() const noexcept { return throttle_ != nullptr; }

 private:
  using Clock = std::chrono::steady_clock;

  void close_window(Clock::time_point now);

  int threads_;
  bool adaptive_;
  Clock::time_point step_start_;
  Clock::duration stepping_{};                // time inside steps in this window
  std::chrono::nanoseconds waited_before_{};  // run-queue wait when the window began
  int quiet_windows_ = 0;
  std::unique_ptr<SpinThrottle> throttle_;  // set while contended
};

}  // namespace hyprstream
