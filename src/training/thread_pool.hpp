// A few threads that share loops: what the training kernels run on.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "base/error.hpp"

namespace hyprstream {

// Not thread-safe: one thread runs loops, one after the other. The body must not throw.
class ThreadPool {
 public:
  // `threads` of them with the calling one, at least 1. Errors: kResourceExhausted (the system gives no more threads).
  static Result<std::unique_ptr<ThreadPool>> create(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const noexcept { return static_cast<int>(workers_.size()) + 1; }

  // Calls body(task, worker) for each task from 0 to count - 1, in any order and on any of the threads, and returns
  // when all are done. `worker`, below threads(), is the same for no two calls at once: scratch memory goes by it.
  template <typename Body>
  void run(std::size_t count, Body&& body) {
    run_tasks(
        count, [](void* context, std::size_t task, int worker) { (*static_cast<Body*>(context))(task, worker); },
        std::addressof(body));
  }

 private:
  using Call = void (*)(void* context, std::size_t task, int worker);

  ThreadPool() = default;

  void run_tasks(std::size_t count, Call call, void* context);
  bool join_loop() noexcept;
  void take_tasks(int worker) noexcept;
  void work(int worker) noexcept;

  std::vector<std::thread> workers_;
  Call call_ = nullptr;
  void* context_ = nullptr;
  std::size_t count_ = 0;
  std::atomic<bool> stopping_ = false;
  alignas(64) std::atomic<std::uint32_t> loops_ = 0;  // begun so far
  alignas(64) std::atomic<std::size_t> next_ = 0;     // task
  // Whether workers may join the loop, and how many are in it. One that wakes too late is not waited for: on a busy
  // machine that may take longer than the loop.
  alignas(64) std::atomic<std::uint32_t> gate_ = 0;
};

}  // namespace hyprstream
