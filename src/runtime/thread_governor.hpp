// Keeps decoding usable while other processes want the same cores. Internal to runtime.
#pragma once

#include <chrono>
#include <vector>

#include "runtime/thread_policy.hpp"

namespace hyprstream {

// Watches how long the threads that compute (those with the name of the thread that runs the steps,
// libgomp's among them) wait for a CPU while steps run, and lets ThreadPolicy choose the number of
// threads for the next ones.
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

  void begin_window();

  ThreadPolicy policy_;
  bool adaptive_;
  Clock::time_point step_start_;
  Clock::duration stepping_{};  // time inside steps in this window
  std::chrono::nanoseconds waited_before_window_{};
  std::vector<int> threads_;  // those that compute
  Clock::time_point looked_{};
};

}  // namespace hyprstream
