#include "http/request_head.hpp"

#include <format>

namespace hyprstream {

HeadState HeadScan::look(std::string_view head) {
  // A TLS greeting, for one, would never come to a line's end.
  if (looked_at_ == 0 && !head.empty() && head.front() != '\r' && (head.front() < 'A' || head.front() > 'Z'))
    return HeadState::kMalformed;
  for (; looked_at_ < head.size(); ++looked_at_) {
    const std::size_t length = looked_at_ + 1 - line_begin_;
    if (length > kLongestHeadLine) return lines_ == 0 ? HeadState::kTargetTooLong : HeadState::kFieldTooLong;
    if (looked_at_ >= kLargestHead) return HeadState::kTooLarge;
    if (head[looked_at_] != '\n') continue;
    // Some take a line feed alone for a line's end, and some do not: where one request ends would be a matter of taste.
    if (length < 2 || head[looked_at_ - 1] != '\r') return HeadState::kMalformed;
    if (length == 2) return HeadState::kComplete;
    line_begin_ = looked_at_ + 1;
    if (++lines_ > kMostHeadFields + 1) return HeadState::kTooManyFields;
  }
  return HeadState::kIncomplete;
}

HttpError head_error(HeadState state) {
  const auto too_large = [](int status, std::string message) {
    return HttpError{status, "invalid_request_error", std::move(message), "headers_too_large", ""};
  };
  switch (state) {
    case HeadState::kTargetTooLong:
      return too_large(414, std::format("the request's first line is longer than {} bytes", kLongestHeadLine));
    case HeadState::kFieldTooLong:
      return too_large(431, std::format("a header is longer than {} bytes", kLongestHeadLine));
    case HeadState::kTooManyFields:
      return too_large(431, std::format("there are more than {} headers", kMostHeadFields));
    case HeadState::kTooLarge: return too_large(431, std::format("the headers are more than {} bytes", kLargestHead));
    default: return {400, "invalid_request_error", "this is no HTTP request that can be understood", "bad_request", ""};
  }
}

}  // namespace hyprstream
