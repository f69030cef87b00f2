#include "flight/handle_table.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace hyprstream {
namespace {

using namespace std::chrono_literals;
using Table = HandleTable<int>;

constexpr auto kIdle = [](const int&) { return false; };

TEST(HandleTable, KnowsAHandleToItsOwnerAlone) {
  Table table("statement", 10, 10, 60s);
  const auto handle = table.add("ann", std::make_shared<int>(7));
  ASSERT_TRUE(handle);
  EXPECT_EQ(**table.find(*handle, "ann"), 7);
  EXPECT_EQ(table.find(*handle, "bob").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(table.take(*handle, "bob").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(table.find("", "ann").error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(table.take(*handle, "ann"));
  EXPECT_EQ(table.find(*handle, "ann").error().code, ErrorCode::kNotFound);
}

TEST(HandleTable, GivesHandlesThatNobodyGuesses) {
  Table table("statement", 2000, 2000, 60s);
  std::set<std::string> handles;
  for (int i = 0; i < 1000; ++i) {
    const auto handle = table.add("ann", std::make_shared<int>(i));
    ASSERT_TRUE(handle);
    EXPECT_EQ(handle->size(), 32U);
    handles.insert(*handle);
  }
  EXPECT_EQ(handles.size(), 1000U);
}

TEST(HandleTable, RefusesOneTooMany) {
  Table table("statement", 2, 2, 60s);
  const auto first = table.add("ann", std::make_shared<int>(1));
  EXPECT_TRUE(table.add("ann", std::make_shared<int>(2)));
  EXPECT_EQ(table.add("ann", std::make_shared<int>(3)).error().code, ErrorCode::kUnavailable);
  EXPECT_TRUE(table.take(*first, "ann"));
  EXPECT_TRUE(table.add("ann", std::make_shared<int>(3)));
}

TEST(HandleTable, ForgetsWhatIsIdle) {
  Table table("statement", 10, 10, 60s);
  const auto now = Table::Clock::now();
  const auto idle = table.add("ann", std::make_shared<int>(1));
  const auto busy = table.add("ann", std::make_shared<int>(2));
  EXPECT_TRUE(table.expire(now + 59s, kIdle).empty());
  const auto gone = table.expire(now + 61s, [](const int& value) { return value == 2; });
  ASSERT_EQ(gone.size(), 1U);
  EXPECT_EQ(*gone[0], 1);
  EXPECT_EQ(table.find(*idle, "ann").error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(table.find(*busy, "ann"));
  // What has worked is idle from then on, not from when it was asked for.
  EXPECT_TRUE(table.expire(now + 120s, kIdle).empty());
  EXPECT_EQ(table.expire(now + 122s, kIdle).size(), 1U);
}

TEST(HandleTable, LeavesRoomForOtherOwners) {
  Table table("statement", 3, 2, 60s);
  const auto first = table.add("ann", std::make_shared<int>(1));
  ASSERT_TRUE(first && table.add("ann", std::make_shared<int>(2)));
  EXPECT_EQ(table.add("ann", std::make_shared<int>(3)).error().code, ErrorCode::kUnavailable);
  ASSERT_TRUE(table.add("bob", std::make_shared<int>(4)));
  EXPECT_EQ(table.add("bob", std::make_shared<int>(5)).error().code, ErrorCode::kUnavailable);  // it is full
  ASSERT_TRUE(table.take(*first, "ann"));
  EXPECT_TRUE(table.add("ann", std::make_shared<int>(6)));
  EXPECT_EQ(table.expire(Table::Clock::now() + 61s, kIdle).size(), 3u);
  EXPECT_TRUE(table.add("ann", std::make_shared<int>(7)) && table.add("ann", std::make_shared<int>(8)));
}

}  // namespace
}  // namespace hyprstream
