#include "runtime/thread_policy.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace hyprstream {
namespace {

// A machine with `cores`, of which `taken` are held by others: each thread beyond the free cores
// waits half of the time.
double waiting(int cores, int taken, int threads) { return 0.5 * std::max(0, threads + taken - cores); }

// Runs windows of 50 ms for `seconds`; the number of threads in each.
std::vector<int> run(ThreadPolicy& policy, int cores, int taken, double seconds) {
  std::vector<int> used;
  for (double at = 0; at < seconds; at += 0.05) {
    used.push_back(policy.threads());
    policy.update(0.05, 0.05 * waiting(cores, taken, policy.threads()));
  }
  return used;
}

TEST(ThreadPolicy, AnIdleMachineKeepsEveryThread) {
  ThreadPolicy policy(8);
  const auto used = run(policy, 8, 0, 30);
  EXPECT_EQ(std::ranges::count(used, 8), std::ssize(used));
}

TEST(ThreadPolicy, NoiseIsNotContention) {
  ThreadPolicy policy(2);
  for (int i = 0; i < 1000; ++i) policy.update(0.05, 0.05 * (i % 7 == 0 ? 0.15 : 0.01));
  EXPECT_EQ(policy.threads(), 2);
}

TEST(ThreadPolicy, OneBadWindowIsNotContention) {
  ThreadPolicy policy(2);
  for (int i = 0; i < 1000; ++i) policy.update(0.05, i % 5 == 0 ? 0.05 : 0.0);
  EXPECT_EQ(policy.threads(), 2);
}

TEST(ThreadPolicy, FullyBusyFallsToOneWithTheSecondWindowAndStays) {
  ThreadPolicy policy(2);
  const auto used = run(policy, 2, 2, 60);
  EXPECT_EQ(used[1], 2);
  EXPECT_EQ(used[2], 1);
  EXPECT_EQ(std::ranges::count(used, 2), 2);
}

TEST(ThreadPolicy, GivesUpAsManyThreadsAsCoresAreTaken) {
  ThreadPolicy policy(8);
  run(policy, 8, 3, 5);
  EXPECT_LE(policy.threads(), 6);
  EXPECT_GE(policy.threads(), 3);
}

TEST(ThreadPolicy, TriesMoreThreadsEverMoreRarelyWhileThatFails) {
  ThreadPolicy policy(2);
  run(policy, 2, 1, 30);
  const auto used = run(policy, 2, 1, 60);
  const auto tries = std::ranges::count(used, 2);
  EXPECT_GE(tries, 4);
  EXPECT_LE(tries, 10);
}

TEST(ThreadPolicy, ReturnsToAllThreadsWithinASecondOnceTheMachineIsIdle) {
  for (const int threads : {2, 8}) {
    ThreadPolicy policy(threads);
    run(policy, threads, threads, 10);
    EXPECT_EQ(policy.threads(), 1);
    const auto used = run(policy, threads, 0, 4);
    EXPECT_EQ(used.back(), threads);
    if (threads == 2) {
      EXPECT_EQ(used[20], 2);
    }
  }
}

}  // namespace
}  // namespace hyprstream
