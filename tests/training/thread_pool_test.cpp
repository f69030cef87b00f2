#include "training/thread_pool.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

namespace hyprstream {
namespace {

TEST(ThreadPool, RunsEveryTaskOnceAndWaitsForIt) {
  for (const int threads : {1, 2, 5}) {
    const auto pool = ThreadPool::create(threads);
    ASSERT_TRUE(pool);
    EXPECT_EQ((*pool)->threads(), threads);
    for (std::size_t count = 0; count < 400; ++count) {
      std::vector<int> runs(count);
      (*pool)->run(count, [&](std::size_t task, int /*worker*/) { ++runs[task]; });
      ASSERT_EQ(runs, std::vector<int>(count, 1));
    }
  }
}

TEST(ThreadPool, GivesAWorkerToOneTaskAtATime) {
  const auto pool = ThreadPool::create(4);
  ASSERT_TRUE(pool);
  std::vector<std::atomic<int>> busy(4);
  std::atomic<int> collisions = 0;
  for (int loop = 0; loop < 200; ++loop)
    (*pool)->run(64, [&](std::size_t /*task*/, int worker) {
      auto& mine = busy[static_cast<std::size_t>(worker)];
      if (mine.fetch_add(1) != 0) ++collisions;
      mine.fetch_sub(1);
    });
  EXPECT_EQ(collisions, 0);
}

}  // namespace
}  // namespace hyprstream
