// Keeps decoding usable while other processes want the same cores. Internal to runtime.
#pragma once

#include <chrono>

#include "runtime/thread_policy.hpp"

namespace hyprstream {

// Watches how long this process's threads wait for a CPU while steps run, and lets ThreadPolicy
// choose the number of threads for the next ones.
//
// Not thread-safe: belongs to the thread that runs the steps.
class ThreadGovernor {
 public:
  // `threads`: the number for an idle machine. Without `adaptive`, or where the kernel does not
  // count waiting times, it never changes.
  ThreadGovernor(int threads, bool adaptive);

  // Call around each evaluation; begin_step() gives the number of threads to use for it.
  int begin_step();
  void end_step();

 private:
  using Clock = std::chrono::steady_clock;

  ThreadPolicy policy_;
  bool adaptive_;
  Clock::time_point step_start_;
  Clock::duration stepping_{};  // time inside steps in this window
  std::chrono::nanoseconds waited_before_window_{};
};

}  // namespace hyprstream
