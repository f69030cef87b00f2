// What the process tells its parent, and the one place where errors become that.
#pragma once

#include "base/error.hpp"

namespace hyprstream {

enum class ExitCode : int {
  kSuccess = 0,
  kFailure = 1,
  kUsage = 2,          // the command line, or what it names, makes no sense
  kInterrupted = 130,  // Ctrl-C or SIGTERM: 128 + SIGINT, as a shell reports it
  kReaderGone = 141,   // `| head -1`: 128 + SIGPIPE, as a shell reports it
};

constexpr ExitCode exit_code_for(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::kInvalidArgument: return ExitCode::kUsage;
    case ErrorCode::kCancelled: return ExitCode::kInterrupted;
    case ErrorCode::kNotFound:
    case ErrorCode::kAlreadyExists:
    case ErrorCode::kPermissionDenied:
    case ErrorCode::kCorrupt:
    case ErrorCode::kUnsupported:
    case ErrorCode::kResourceExhausted:
    case ErrorCode::kUnavailable:
    case ErrorCode::kIo:
    case ErrorCode::kInternal: return ExitCode::kFailure;
  }
  return ExitCode::kFailure;
}

}  // namespace hyprstream
