#include "terminal/terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <format>

#include "base/utf8.hpp"

namespace hyprstream {
namespace {

struct Unit {
  double size;
  std::string_view name;
};

template <std::size_t N>
std::string format_with_unit(unsigned long long value, const std::array<Unit, N>& units, std::string_view plain) {
  const auto number = static_cast<double>(value);
  for (const auto& unit : units) {
    // Rounded first, so that 999,999 is "1.0 M" and not "1000 k".
    if (number < unit.size * 0.9995) continue;
    const double scaled = number / unit.size;
    return scaled < 99.95 ? std::format("{:.1f} {}", scaled, unit.name) : std::format("{:.0f} {}", scaled, unit.name);
  }
  return std::format("{}{}", value, plain);
}

}  // namespace

bool is_terminal(int fd) noexcept { return ::isatty(fd) == 1; }

std::size_t terminal_width(int fd) noexcept {
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

bool wants_color(int fd) noexcept {
  const char* no_color = std::getenv("NO_COLOR");
  if (no_color != nullptr && *no_color != '\0') return false;
  const char* term = std::getenv("TERM");
  return is_terminal(fd) && term != nullptr && std::string_view(term) != "dumb";
}

void Table::add_row(std::vector<std::string> cells) {
  cells.resize(align_.size());
  rows_.push_back(std::move(cells));
}

std::string Table::render() const {
  std::vector<std::size_t> widths(align_.size(), 0);
  for (const auto& row : rows_)
    for (std::size_t column = 0; column < row.size(); ++column)
      widths[column] = std::max(widths[column], display_width(row[column]));
  std::string text;
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t column = 0; column < row.size(); ++column) {
      if (column > 0) line += "  ";
      const std::string padding(widths[column] - display_width(row[column]), ' ');
      line += align_[column] == Align::kRight ? padding + row[column] : row[column] + padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line;
    text += '\n';
  }
  return text;
}

std::string format_bytes(unsigned long long bytes) {
  static constexpr std::array<Unit, 4> kUnits{{{1e12, "TB"}, {1e9, "GB"}, {1e6, "MB"}, {1e3, "kB"}}};
  return format_with_unit(bytes, kUnits, " bytes");
}

std::string format_count(unsigned long long count) {
  static constexpr std::array<Unit, 3> kUnits{{{1e9, "B"}, {1e6, "M"}, {1e3, "k"}}};
  return format_with_unit(count, kUnits, "");
}

}  // namespace hyprstream
