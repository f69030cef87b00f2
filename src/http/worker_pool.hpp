// Threads for work that mostly waits. Internal to http.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <mutex>
#include <thread>

namespace hyprstream {

// There is a thread for every task, up to a limit; those that find nothing to do for a while end. (httplib's own pool
// starts none while an idle one has not woken yet, so that a burst of tasks that wait holds up all others.)
// Thread-safe.
class WorkerPool {
 public:
  explicit WorkerPool(std::size_t most) : most_(most) {}
  ~WorkerPool() { finish(); }

  // A task must not throw. Dropped once finish() has been called.
  void run(std::function<void()> task);
  // Waits for the tasks that run, and those that wait for a thread.
  void finish();

 private:
  void work(std::list<std::thread>::iterator self);

  const std::size_t most_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;
  std::list<std::thread> threads_;
  std::list<std::thread> ended_;  // to be joined
  std::size_t idle_ = 0;
  bool finishing_ = false;
};

}  // namespace hyprstream
