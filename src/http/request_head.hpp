// How far the head of a request has come, before anybody parses it. Pure. Internal to http.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/error_response.hpp"

namespace hyprstream {

// The limits of one request's head, its line ends included.
constexpr std::size_t kLongestHeadLine = 8192;  // httplib's: it says of a longer one that it is malformed
constexpr std::size_t kMostHeadFields = 100;    // the same
constexpr std::size_t kLargestHead = 64 << 10;

enum class HeadState : std::uint8_t {
  kIncomplete,
  kComplete,
  kMalformed,
  kTargetTooLong,
  kFieldTooLong,
  kTooManyFields,
  kTooLarge
};

// Not thread-safe.
class HeadScan {
 public:
  // `head`: all that has come so far, from the request's first byte on; what was looked at is not looked at again.
  HeadState look(std::string_view head);

 private:
  std::size_t looked_at_ = 0;
  std::size_t line_begin_ = 0;
  std::size_t lines_ = 0;
};

// What to answer to a head that is neither complete nor on its way: 400, 414, 431.
HttpError head_error(HeadState state);

}  // namespace hyprstream
