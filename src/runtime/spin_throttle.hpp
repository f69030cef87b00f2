// Makes libgomp's waits short for as long as it lives. Internal to runtime.
//
// libgomp spins at most GOMP_SPINCOUNT times (about 3 ms) in a barrier before it sleeps, but only
// a hundred times once it manages more threads than there are CPUs (libgomp manual, "Implementing
// OMP_WAIT_POLICY"). This keeps a pool of idle threads parked so that it does.
#pragma once

#include <stop_token>
#include <thread>

namespace hyprstream {

class SpinThrottle {
 public:
  // Returns at once: the pool comes up beside the caller.
  SpinThrottle();
  // Waits until the pool is gone.
  ~SpinThrottle() = default;
  SpinThrottle(const SpinThrottle&) = delete;
  SpinThrottle& operator=(const SpinThrottle&) = delete;

 private:
  std::jthread owner_;
};

}  // namespace hyprstream
