// The log: lines on stderr, for whoever runs the program. Library code logs what it cannot
// return; results and errors go back to the caller instead. All functions are thread-safe.
#pragma once

#include <cstdint>
#include <string_view>

namespace hyprstream {

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarning, kError, kOff };

// The level from which on lines are printed. Default: kWarning.
void set_log_level(LogLevel level);

void log_line(LogLevel level, std::string_view text);

}  // namespace hyprstream
