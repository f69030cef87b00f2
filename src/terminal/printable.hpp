// Text from elsewhere (file names, model metadata, generated text) made safe to show: what a
// terminal would obey instead of showing it is written out.
#pragma once

#include <string>
#include <string_view>

namespace hyprstream {

// On one line: every control character, newlines included, becomes "\x1b" and the like, and
// bytes that are not UTF-8 become U+FFFD.
std::string printable_line(std::string_view text);

// printable_line between single quotes, for messages.
std::string in_quotes(std::string_view text);

// As printable_line, but newlines and tabs stay.
std::string printable_text(std::string_view text);

}  // namespace hyprstream
