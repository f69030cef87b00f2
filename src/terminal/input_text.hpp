// Text that comes from a file descriptor: standard input, or a file.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "terminal/interrupt.hpp"

namespace hyprstream {

// All that there is to read. `what`: for messages, "the prompt on standard input". Errors: kInvalidArgument (longer
// than `most` bytes, or not UTF-8), kCancelled, kIo.
Result<std::string> read_input(int fd, std::string_view what, std::size_t most, const InterruptScope& interrupt);

}  // namespace hyprstream
