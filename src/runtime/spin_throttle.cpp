#include "runtime/spin_throttle.hpp"

#include <omp.h>

#include <condition_variable>
#include <mutex>

namespace hyprstream {
namespace {

// The pool that an empty parallel region leaves behind belongs to the thread that ran it, and goes
// with it. The region shares no data, so there is nothing that a race detector could miss.
void park_pool(const std::stop_token& stop) {
#pragma omp parallel num_threads(omp_get_num_procs() + 1)
  {
  }
  std::mutex mutex;
  std::condition_variable_any released;
  std::unique_lock lock(mutex);
  released.wait(lock, stop, [] { return false; });
}

}  // namespace

SpinThrottle::SpinThrottle() : owner_([](const std::stop_token& stop) { park_pool(stop); }) {}

}  // namespace hyprstream
