#include "training/thread_pool.hpp"

#include <format>
#include <system_error>

namespace hyprstream {
namespace {

// Loops follow each other within microseconds, and waking a thread takes about as long; past this it sleeps.
constexpr int kSpins = 4000;
// Of the gate; the other bits count.
constexpr std::uint32_t kOpen = std::uint32_t{1} << 31;

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
  gate_.store(kOpen, std::memory_order_release);
  loops_.fetch_add(1, std::memory_order_release);
  loops_.notify_all();
  take_tasks(0);
  for (auto inside = gate_.fetch_and(~kOpen, std::memory_order_acq_rel) & ~kOpen; inside != 0;
       inside = gate_.load(std::memory_order_acquire))
    wait_for_change(gate_, inside);
}

bool ThreadPool::join_loop() noexcept {
  auto gate = gate_.load(std::memory_order_relaxed);
  while ((gate & kOpen) != 0)
    if (gate_.compare_exchange_weak(gate, gate + 1, std::memory_order_acquire, std::memory_order_relaxed)) return true;
  return false;
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
    seen = loops_.load(std::memory_order_acquire);
    if (stopping_) return;
    if (!join_loop()) continue;
    take_tasks(worker);
    if (gate_.fetch_sub(1, std::memory_order_acq_rel) == 1) gate_.notify_all();
  }
}

}  // namespace hyprstream
