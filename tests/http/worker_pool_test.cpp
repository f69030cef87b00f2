#include "http/worker_pool.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <memory>

namespace hyprstream {
namespace {

// Every task waits for all others: with one thread too few none would ever end.
TEST(WorkerPool, ABurstOfWaitingTasksHasAThreadForEach) {
  constexpr int kTasks = 100;
  WorkerPool pool(kTasks);
  for (int round = 0; round < 3; ++round) {
    // Who is still waking up may be in it when this round is over.
    const auto all = std::make_shared<std::latch>(kTasks + 1);
    for (int i = 0; i < kTasks; ++i) pool.run([all] { all->arrive_and_wait(); });
    all->arrive_and_wait();
  }
}

TEST(WorkerPool, BeyondItsLimitTasksWait) {
  std::atomic<int> running = 0;
  std::atomic<int> most = 0;
  std::atomic<int> done = 0;
  {
    WorkerPool pool(3);
    for (int i = 0; i < 50; ++i)
      pool.run([&] {
        const int now = ++running;
        int seen = most;
        while (now > seen && !most.compare_exchange_weak(seen, now)) {
        }
        std::this_thread::yield();
        --running;
        ++done;
      });
  }
  EXPECT_EQ(done, 50);
  EXPECT_LE(most, 3);
}

TEST(WorkerPool, TakesNothingOnceItHasFinished) {
  WorkerPool pool(2);
  pool.finish();
  bool ran = false;
  pool.run([&] { ran = true; });
  EXPECT_FALSE(ran);
}

}  // namespace
}  // namespace hyprstream
