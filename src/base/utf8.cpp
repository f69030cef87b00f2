#include "base/utf8.hpp"

#include <cstdint>

namespace hyprstream {
namespace {

struct Decoded {
  char32_t code_point = 0;
  std::size_t length = 0;  // bytes used; 0: invalid
  bool truncated = false;  // invalid only because the text ends too early
};

constexpr bool is_continuation(char byte) { return (static_cast<std::uint8_t>(byte) & 0xC0U) == 0x80U; }

// The character at the beginning of a non-empty text.
Decoded decode(std::string_view text) noexcept {
  const auto lead = static_cast<std::uint8_t>(text.front());
  if (lead < 0x80) return {lead, 1, false};
  std::size_t length = 0;
  char32_t code_point = 0;
  char32_t smallest = 0;
  if ((lead & 0xE0U) == 0xC0U) {
    length = 2, code_point = lead & 0x1FU, smallest = 0x80;
  } else if ((lead & 0xF0U) == 0xE0U) {
    length = 3, code_point = lead & 0x0FU, smallest = 0x800;
  } else if ((lead & 0xF8U) == 0xF0U && lead <= 0xF4) {
    length = 4, code_point = lead & 0x07U, smallest = 0x10000;
  } else {
    return {};
  }
  for (std::size_t i = 1; i < length; ++i) {
    if (i == text.size()) return {0, 0, lead != 0xC0 && lead != 0xC1};
    if (!is_continuation(text[i])) return {};
    code_point = (code_point << 6U) | (static_cast<std::uint8_t>(text[i]) & 0x3FU);
  }
  const bool surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
  if (code_point < smallest || surrogate || code_point > 0x10FFFF) return {};
  return {code_point, length, false};
}

struct Range {
  char32_t first, last;
};

template <std::size_t N>
bool in_ranges(char32_t c, const Range (&ranges)[N]) {
  for (const auto& range : ranges)
    if (c >= range.first && c <= range.last) return true;
  return false;
}

// The blocks of Unicode's East Asian Width table that matter in practice.
std::size_t width_of(char32_t c) {
  static constexpr Range kZero[] = {{0x0300, 0x036F}, {0x200B, 0x200F}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}};
  static constexpr Range kWide[] = {{0x1100, 0x115F},   {0x2E80, 0x303E},   {0x3041, 0xA4CF},   {0xAC00, 0xD7A3},
                                    {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},
                                    {0x1F300, 0x1F64F}, {0x1F680, 0x1F6FF}, {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD}};
  if (in_ranges(c, kZero)) return 0;
  return in_ranges(c, kWide) ? 2 : 1;
}

}  // namespace

std::optional<std::size_t> find_invalid_utf8(std::string_view text) noexcept {
  for (std::size_t at = 0; at < text.size();) {
    const auto decoded = decode(text.substr(at));
    if (decoded.length == 0) return at;
    at += decoded.length;
  }
  return std::nullopt;
}

std::size_t incomplete_utf8_suffix(std::string_view text) noexcept {
  for (std::size_t back = 1; back <= 3 && back <= text.size(); ++back) {
    const auto suffix = text.substr(text.size() - back);
    if (is_continuation(suffix.front())) continue;
    return decode(suffix).truncated ? back : 0;
  }
  return 0;
}

std::u32string decode_utf8(std::string_view text) {
  std::u32string characters;
  while (!text.empty()) {
    const auto decoded = decode(text);
    characters += decoded.length == 0 ? U'\uFFFD' : decoded.code_point;
    text.remove_prefix(decoded.length == 0 ? 1 : decoded.length);
  }
  return characters;
}

std::string replace_invalid_utf8(std::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  while (!text.empty()) {
    const auto decoded = decode(text);
    if (decoded.length == 0) {
      valid += "\xEF\xBF\xBD";
      text.remove_prefix(1);
    } else {
      valid += text.substr(0, decoded.length);
      text.remove_prefix(decoded.length);
    }
  }
  return valid;
}

std::size_t display_width(std::string_view text) noexcept {
  std::size_t width = 0;
  while (!text.empty()) {
    const auto decoded = decode(text);
    width += decoded.length == 0 ? 1 : width_of(decoded.code_point);
    text.remove_prefix(decoded.length == 0 ? 1 : decoded.length);
  }
  return width;
}

}  // namespace hyprstream
