// UTF-8 (RFC 3629): validity, and where a stream of bytes may be cut.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace hyprstream {

// The offset of the first byte that is not valid UTF-8 (overlong forms, surrogates and a
// truncated end count as invalid), or nothing.
std::optional<std::size_t> find_invalid_utf8(std::string_view text) noexcept;

// How many bytes at the end are the beginning of a character that is not whole yet: 0 to 3.
std::size_t incomplete_utf8_suffix(std::string_view text) noexcept;

// The characters of a text; every invalid byte is U+FFFD.
std::u32string decode_utf8(std::string_view text);

// The text with every invalid byte replaced by U+FFFD.
std::string replace_invalid_utf8(std::string_view text);

// Columns that the text takes on a terminal: one per character, two for wide ones (East Asian
// wide and emoji), none for combining marks. Escape sequences are not understood.
std::size_t display_width(std::string_view text) noexcept;

}  // namespace hyprstream
