#include "terminal/side_by_side.hpp"

#include <algorithm>
#include <utility>

#include "base/utf8.hpp"

namespace hyprstream {
namespace {

constexpr std::string_view kGap = "  │ ";
constexpr std::size_t kGapWidth = 4;
constexpr std::size_t kIndent = 2;

// The bytes at the beginning of a word that fit; at least one character.
std::size_t fitting_bytes(std::string_view word, std::size_t width) {
  std::size_t bytes = 0;
  for (std::size_t end = 1; end <= word.size(); ++end) {
    if (incomplete_utf8_suffix(word.substr(0, end)) != 0) continue;
    if (bytes > 0 && display_width(word.substr(0, end)) > width) break;
    bytes = end;
  }
  return std::max<std::size_t>(bytes, 1);
}

void wrap_line(std::string_view line, std::size_t width, std::vector<std::string>& lines) {
  std::string current;
  while (!line.empty()) {
    auto word = line.substr(0, line.find(' '));
    line.remove_prefix(std::min(word.size() + 1, line.size()));
    const bool fits = current.empty() || display_width(current) + 1 + display_width(word) <= width;
    if (!fits) lines.push_back(std::exchange(current, {}));
    while (display_width(word) > width) {
      const auto bytes = fitting_bytes(word, width);
      lines.emplace_back(word.substr(0, bytes));
      word.remove_prefix(bytes);
    }
    if (!current.empty()) current += ' ';
    current += word;
  }
  lines.push_back(std::move(current));
}

}  // namespace

std::vector<std::string> wrap_text(std::string_view text, std::size_t width) {
  std::vector<std::string> lines;
  for (;;) {
    const auto end = text.find('\n');
    wrap_line(text.substr(0, end), width, lines);
    if (end == std::string_view::npos) return lines;
    text.remove_prefix(end + 1);
  }
}

std::string render_side_by_side(std::string_view left, std::string_view right, std::size_t width) {
  const std::size_t column = (std::max<std::size_t>(width, 24) - kIndent - kGapWidth) / 2;
  const auto first = wrap_text(left, column);
  const auto second = wrap_text(right, column);
  std::string text;
  for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
    const std::string cell = i < first.size() ? first[i] : std::string();
    text += std::string(kIndent, ' ') + cell + std::string(column - std::min(display_width(cell), column), ' ');
    text += kGap;
    if (i < second.size()) text += second[i];
    text.erase(text.find_last_not_of(' ') + 1);
    text += '\n';
  }
  return text;
}

}  // namespace hyprstream
