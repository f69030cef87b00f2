#include "terminal/input_text.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <format>

#include "base/utf8.hpp"
#include "terminal/terminal.hpp"

namespace hyprstream {

Result<std::string> read_input(int fd, std::string_view what, std::size_t most, const InterruptScope& interrupt) {
  std::string text;
  std::array<char, 65536> buffer;
  for (;;) {
    const auto count = ::read(fd, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) {
      if (interrupt.was_interrupted()) return fail(ErrorCode::kCancelled, "interrupted");
      continue;
    }
    if (count < 0) return fail_errno(std::format("cannot read {}", what), errno);
    if (count == 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(count));
    if (text.size() > most)
      return fail(ErrorCode::kInvalidArgument, std::format("{} is longer than {}", what, format_bytes(most)));
  }
  if (const auto invalid = find_invalid_utf8(text))
    return fail(ErrorCode::kInvalidArgument, std::format("{} is not valid UTF-8 at byte {}", what, *invalid));
  return text;
}

}  // namespace hyprstream
