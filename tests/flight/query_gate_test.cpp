#include "flight/query_gate.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <thread>
#include <vector>

namespace hyprstream {
namespace {

using namespace std::chrono_literals;

ActiveCall& wanted() {
  static ActiveCall call([] { return false; });
  return call;
}

TEST(QueryGate, LetsAsManyInAsMayRunAndRefusesWhatIsTooMuch) {
  QueryGate gate({.running = 2, .waiting = 0});
  auto first = gate.enter(wanted());
  const auto second = gate.enter(wanted());
  ASSERT_TRUE(first && second);
  const auto third = gate.enter(wanted());
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, ErrorCode::kUnavailable);
  first->end();
  EXPECT_TRUE(gate.enter(wanted()));
}

TEST(QueryGate, RefusesWhatHasWaitedTooLong) {
  QueryGate gate({.running = 1, .waiting = 1, .longest_wait = 0s});
  const auto first = gate.enter(wanted());
  EXPECT_EQ(gate.enter(wanted()).error().code, ErrorCode::kUnavailable);
}

TEST(QueryGate, NeverRefusesWhatGoesOn) {
  QueryGate gate({.running = 1, .waiting = 0, .longest_wait = 0s});
  auto first = gate.enter(wanted());
  ASSERT_TRUE(first);
  std::thread other([&] { EXPECT_TRUE(gate.enter_again(wanted())); });
  std::this_thread::sleep_for(20ms);
  first->end();
  other.join();
}

TEST(QueryGate, LetsGoOfACancelledOne) {
  QueryGate gate({.running = 1, .waiting = 8});
  const auto first = gate.enter(wanted());
  ActiveCall call([] { return false; });
  std::thread other([&] { EXPECT_EQ(gate.enter(call).error().code, ErrorCode::kCancelled); });
  std::this_thread::sleep_for(10ms);
  call.cancel();
  other.join();
  EXPECT_EQ(gate.enter(call).error().code, ErrorCode::kCancelled);
}

TEST(QueryGate, NeverHasMoreInsideThanItMay) {
  QueryGate gate({.running = 3, .waiting = 1000});
  std::atomic<int> inside = 0;
  std::atomic<int> most = 0;
  std::atomic<int> served = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 16; ++i)
    threads.emplace_back([&] {
      for (int turn = 0; turn < 200; ++turn) {
        auto admitted = gate.enter(wanted());
        ASSERT_TRUE(admitted);
        const int now = ++inside;
        for (int before = most; now > before && !most.compare_exchange_weak(before, now);) {
        }
        ++served;
        --inside;
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(served, 3200);
  EXPECT_LE(most, 3);
}

}  // namespace
}  // namespace hyprstream
