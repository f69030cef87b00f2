// The one error vocabulary. Each code is translated to an exit code, an HTTP status or a
// Flight status in exactly one place, at that edge.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace hyprstream {

enum class ErrorCode : std::uint8_t {
  kInvalidArgument,    // the caller asked for something that makes no sense
  kNotFound,           // a named file, model, adapter or sequence does not exist
  kAlreadyExists,      // the name is taken
  kPermissionDenied,   // the system or a permission check refused
  kCorrupt,            // data that breaks its format: truncated, hostile, wrong hash
  kUnsupported,        // well-formed, but not something this program can do
  kResourceExhausted,  // a limit, memory, disk or KV cache is full
  kCancelled,          // stopped on request
  kUnavailable,        // not now: try again later
  kIo,                 // the system failed to read or write
  kInternal,           // a bug, here or in a library below
};

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  // One sentence for a person: names the thing and, where there is one, the remedy.
  std::string message;
};

template <typename T>
using Result = std::expected<T, Error>;

[[nodiscard]] inline std::unexpected<Error> fail(ErrorCode code, std::string message) {
  return std::unexpected(Error{code, std::move(message)});
}

// The code for a failed system call's errno value.
[[nodiscard]] ErrorCode error_code_from_errno(int errno_value) noexcept;

// An error for a failed system call: "WHAT: No such file or directory".
[[nodiscard]] std::unexpected<Error> fail_errno(std::string_view what, int errno_value);

}  // namespace hyprstream

// Leaves the function with the error of `expression`, a Result, if it has one.
#define HYPRSTREAM_TRY(expression)                                         \
  do {                                                                     \
    if (auto hyprstream_try_result = (expression); !hyprstream_try_result) \
      return std::unexpected(std::move(hyprstream_try_result).error());    \
  } while (false)

#define HYPRSTREAM_CONCAT_INNER(a, b) a##b
#define HYPRSTREAM_CONCAT(a, b) HYPRSTREAM_CONCAT_INNER(a, b)

// ASSIGN(declaration, expression): the value of a Result, or leaves with its error.
#define HYPRSTREAM_ASSIGN(declaration, expression) \
  HYPRSTREAM_ASSIGN_INNER(HYPRSTREAM_CONCAT(hyprstream_result_, __LINE__), declaration, expression)
#define HYPRSTREAM_ASSIGN_INNER(result, declaration, expression)  \
  auto result = (expression);                                     \
  if (!result) return std::unexpected(std::move(result).error()); \
  declaration = std::move(*result)
