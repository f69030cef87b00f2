#include "training/thread_pool.hpp"

#include <format>
#include <system_error>

namespace hyprstream {
namespace {

// Loops follow each other within microseconds, and waking a thread takes about as long; past this it sleeps.
constexpr int kSpins = 4000;

void pause() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Until `value` is no longer `old`.
void wait_for_change(const std::atomic<std::uint32_t>& value, std::uint32_t old) noexcept {
  for (int spin = 0; spin < kSpins; ++spin) {
    if (value.load(std::memory_order_acquire) != old) return;
    pause();
  }
  value.wait(old, std::memory_order_acquire);
}

}  // namespace

Result<std::unique_ptr<ThreadPool>> ThreadPool::create(int threads) {
  std::unique_ptr<ThreadPool> pool(new ThreadPool);
  try {
    for (int worker = 1; worker < threads; ++worker)
      pool->workers_.emplace_back([raw = pool.get(), worker] { raw->work(worker); });
  } catch (const std::system_error& error) {
    return fail(ErrorCode::kResourceExhausted,
                std::format("{} threads cannot be started ({}): ask for fewer", threads, error.what()));
  }
  return pool;
}

ThreadPool::~ThreadPool() {
  stopping_ = true;
  loops_.fetch_add(1, std::memory_order_release);
  loops_.notify_all();
  for (auto& worker : workers_) worker.join();
}

void ThreadPool::run_tasks(std::size_t count, Call call, void* context) {
  if (workers_.empty() || count <= 1) {
    for (std::size_t task = 0; task < count; ++task) call(context, task, 0);
    return;
  }
  call_ = call;
  context_ = context;
  count_ = count;
  next_.store(0, std::memory_order_relaxed);
  working_.store(static_cast<std::uint32_t>(workers_.size()), std::memory_order_relaxed);
  loops_.fetch_add(1, std::memory_order_release);
  loops_.notify_all();
  take_tasks(0);
  for (auto left = working_.load(std::memory_order_acquire); left != 0; left = working_.load(std::memory_order_acquire))
    wait_for_change(working_, left);
}

void ThreadPool::take_tasks(int worker) noexcept {
  for (auto task = next_.fetch_add(1, std::memory_order_relaxed); task < count_;
       task = next_.fetch_add(1, std::memory_order_relaxed))
    call_(context_, task, worker);
}

void ThreadPool::work(int worker) noexcept {
  std::uint32_t seen = 0;
  for (;;) {
    wait_for_change(loops_, seen);
    ++seen;
    if (stopping_) return;
    take_tasks(worker);
    if (working_.fetch_sub(1, std::memory_order_acq_rel) == 1) working_.notify_all();
  }
}

}  // namespace hyprstream
