#include "http/request_head.hpp"

#include <gtest/gtest.h>

#include <string>

namespace hyprstream {
namespace {

HeadState state_of(const std::string& head) { return HeadScan().look(head); }

std::string with_fields(std::size_t count, const std::string& value = "x") {
  std::string head = "GET / HTTP/1.1\r\n";
  for (std::size_t i = 0; i < count; ++i) head += "A: " + value + "\r\n";
  return head + "\r\n";
}

TEST(RequestHead, IsCompleteWithItsEmptyLineHoweverItComes) {
  const auto head = with_fields(3);
  HeadScan scan;
  for (std::size_t length = 0; length < head.size(); ++length)
    EXPECT_EQ(scan.look({head.data(), length}), HeadState::kIncomplete) << length;
  EXPECT_EQ(scan.look(head + "what comes next"), HeadState::kComplete);
}

TEST(RequestHead, NamesTheLimitThatItHasPassed) {
  EXPECT_EQ(state_of(with_fields(kMostHeadFields)), HeadState::kComplete);
  EXPECT_EQ(state_of(with_fields(kMostHeadFields + 1)), HeadState::kTooManyFields);
  EXPECT_EQ(state_of(with_fields(1, std::string(kLongestHeadLine, 'x'))), HeadState::kFieldTooLong);
  EXPECT_EQ(state_of("GET /" + std::string(kLongestHeadLine, 'x')), HeadState::kTargetTooLong);
  EXPECT_EQ(state_of(with_fields(20, std::string(4000, 'x'))), HeadState::kTooLarge);
  EXPECT_EQ(head_error(HeadState::kTargetTooLong).status, 414);
  EXPECT_EQ(head_error(HeadState::kTooManyFields).status, 431);
  EXPECT_EQ(head_error(HeadState::kFieldTooLong).status, 431);
  EXPECT_EQ(head_error(HeadState::kTooLarge).status, 431);
}

TEST(RequestHead, RefusesWhatIsNone) {
  for (const char* bad : {"\x16\x03\x01", "get / HTTP/1.1\r\n", "GET / HTTP/1.1\nHost: localhost\n\n", "\n"})
    EXPECT_EQ(state_of(bad), HeadState::kMalformed) << bad;
}

}  // namespace
}  // namespace hyprstream
