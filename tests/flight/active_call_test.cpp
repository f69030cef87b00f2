#include "flight/active_call.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "fake_session.hpp"
#include "flight/shared_session.hpp"

namespace hyprstream {
namespace {

using namespace std::chrono_literals;

void wait_until(const std::function<bool()>& condition) {
  for (int i = 0; i < 10'000 && !condition(); ++i) std::this_thread::sleep_for(1ms);
  EXPECT_TRUE(condition());
}

TEST(CallWatch, InterruptsWhatWorksForAClientThatHasLeft) {
  FakeCounts counts;
  const auto session = std::make_shared<SharedSession>(make_fake_session({}, counts));
  std::atomic<bool> gone = false;
  CallWatch watch([] {});
  const auto call = watch.watch([&] { return gone.load(); });
  const auto lease = session->lease(call.shared());
  ASSERT_TRUE(lease);
  EXPECT_FALSE(call->cancelled());
  gone = true;
  wait_until([&] { return counts.interrupts > 1; });  // again, in case that the first came a moment too early
  EXPECT_TRUE(call->cancelled());
  EXPECT_EQ(call->require_wanted().error().code, ErrorCode::kCancelled);
}

TEST(CallWatch, LeavesASessionAloneThatWorksForAnother) {
  FakeCounts counts;
  const auto session = std::make_shared<SharedSession>(make_fake_session({}, counts));
  CallWatch watch([] {});
  const auto first = watch.watch([] { return false; });
  const auto second = watch.watch([] { return false; });
  {
    const auto lease = session->lease(first.shared());
    ASSERT_TRUE(lease);
  }
  const auto lease = session->lease(second.shared());
  ASSERT_TRUE(lease);
  first->cancel();
  std::this_thread::sleep_for(120ms);
  EXPECT_EQ(counts.interrupts, 0);
}

TEST(CallWatch, DoesNotAskAfterTheEnd) {
  CallWatch watch([] {});
  for (int round = 0; round < 50; ++round) {
    auto alive = std::make_unique<std::atomic<bool>>(true);  // freed right after: sanitizers see who reads it then
    auto call = watch.watch([&] { return !alive->load(); });
    std::this_thread::sleep_for(std::chrono::microseconds(round * 100));
    const auto kept = call.shared();  // as one who cancels by handle has it
    call.end();
    alive.reset();
    kept->cancel();
  }
}

TEST(CallWatch, CancelsAllAtItsEndAndWhatComesAfter) {
  CallWatch watch([] {});
  const auto before = watch.watch([] { return false; });
  watch.cancel_all();
  EXPECT_TRUE(before->cancelled());
  EXPECT_TRUE(watch.watch([] { return false; })->cancelled());
}

TEST(SharedSession, RunsOneAtATime) {
  FakeCounts counts;
  const auto session = std::make_shared<SharedSession>(make_fake_session({}, counts));
  CallWatch watch([] {});
  std::atomic<int> inside = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      for (int round = 0; round < 50; ++round) {
        const auto call = watch.watch([] { return false; });
        const auto lease = session->lease(call.shared());
        ASSERT_TRUE(lease);
        EXPECT_EQ(++inside, 1);
        --inside;
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_FALSE(session->busy());
}

TEST(CallWatch, EndsWhatTakesTooLong) {
  FakeCounts counts;
  const auto session = make_fake_session({}, counts);
  std::atomic<int> hung_up = 0;
  CallWatch watch([] {}, 100ms);
  const auto call = watch.watch([] { return false; }, [&] { ++hung_up; });
  call->set_working(session.get());
  std::this_thread::sleep_for(300ms);
  EXPECT_TRUE(call->require_wanted());  // its clock has not been started
  call->start_clock();
  call->stop_clock();
  std::this_thread::sleep_for(300ms);
  EXPECT_TRUE(call->require_wanted());
  call->start_clock();
  while (counts.interrupts == 0) std::this_thread::sleep_for(1ms);
  EXPECT_EQ(call->require_wanted().error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(call->reason({ErrorCode::kCancelled, "the statement was cancelled"}).code, ErrorCode::kUnavailable);
  while (hung_up == 0) std::this_thread::sleep_for(1ms);  // for what does not end by itself
  std::this_thread::sleep_for(200ms);
  EXPECT_EQ(hung_up, 1);
  call->set_working(nullptr);
}

}  // namespace
}  // namespace hyprstream
