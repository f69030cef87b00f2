#include "terminal/exit_code.hpp"

#include <gtest/gtest.h>

namespace hyprstream {
namespace {

TEST(ExitCode, TellsUsageInterruptsAndFailuresApart) {
  EXPECT_EQ(exit_code_for(ErrorCode::kInvalidArgument), ExitCode::kUsage);
  EXPECT_EQ(exit_code_for(ErrorCode::kCancelled), ExitCode::kInterrupted);
  for (const auto code : {ErrorCode::kNotFound, ErrorCode::kAlreadyExists, ErrorCode::kPermissionDenied,
                          ErrorCode::kCorrupt, ErrorCode::kUnsupported, ErrorCode::kResourceExhausted,
                          ErrorCode::kUnavailable, ErrorCode::kIo, ErrorCode::kInternal})
    EXPECT_EQ(exit_code_for(code), ExitCode::kFailure) << static_cast<int>(code);
  EXPECT_EQ(static_cast<int>(ExitCode::kUsage), 2);
  EXPECT_EQ(static_cast<int>(ExitCode::kInterrupted), 130);
}

}  // namespace
}  // namespace hyprstream
