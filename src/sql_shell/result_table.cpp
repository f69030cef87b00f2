#include "sql_shell/result_table.hpp"

#include <algorithm>
#include <array>
#include <format>
#include <numeric>
#include <string_view>
#include <utility>

#include "base/utf8.hpp"
#include "terminal/printable.hpp"

namespace hyprstream {
namespace {

constexpr std::size_t kEnd = 20;             // rows shown of the beginning, and of the end
constexpr std::size_t kNarrowest = 8;        // a column is cut no further
constexpr std::size_t kFooterFromRows = 10;  // fewer are counted at a glance

std::string repeat(std::string_view text, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += text;
  return out;
}

// The text cut to `width` columns of the terminal.
std::string fit(const std::string& text, std::size_t width) {
  if (display_width(text) <= width) return text;
  std::string out;
  std::size_t begin = 0;
  while (begin < text.size()) {
    std::size_t end = begin + 1;
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) ++end;
    const auto next = out + text.substr(begin, end - begin);
    if (display_width(next) + 1 > width) break;
    out = next;
    begin = end;
  }
  return out + "…";
}

enum class Place { kLeft, kRight, kCenter };

std::string pad(const std::string& text, std::size_t width, Place place) {
  const auto cut = fit(text, width);
  const auto space = width - std::min(width, display_width(cut));
  const auto left = place == Place::kLeft ? 0 : place == Place::kRight ? space : space / 2;
  return std::string(left, ' ') + cut + std::string(space - left, ' ');
}

std::string shown(const std::optional<std::string>& value) { return value ? printable_line(*value) : "NULL"; }

std::string markdown_cell(const std::optional<std::string>& value) {
  std::string out;
  for (const char c : shown(value)) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

std::string rule(std::span<const std::size_t> widths, std::string_view left, std::string_view middle,
                 std::string_view right) {
  std::string line(left);
  for (std::size_t i = 0; i < widths.size(); ++i) {
    if (i > 0) line += middle;
    line += repeat("─", widths[i] + 2);
  }
  return line + std::string(right) + "\n";
}

std::string grouped(std::uint64_t number) {
  auto text = std::to_string(number);
  for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3)
    text.insert(static_cast<std::size_t>(at), ",");
  return text;
}

std::string counted(std::uint64_t number, std::string_view what) {
  return std::format("{} {}{}", grouped(number), what, number == 1 ? "" : "s");
}

}  // namespace

std::string short_type_name(std::string_view type) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 12> kNames{{{"INTEGER", "int32"},
                                                                                         {"BIGINT", "int64"},
                                                                                         {"SMALLINT", "int16"},
                                                                                         {"TINYINT", "int8"},
                                                                                         {"HUGEINT", "int128"},
                                                                                         {"UINTEGER", "uint32"},
                                                                                         {"UBIGINT", "uint64"},
                                                                                         {"USMALLINT", "uint16"},
                                                                                         {"UTINYINT", "uint8"},
                                                                                         {"UHUGEINT", "uint128"},
                                                                                         {"\"NULL\"", "null"},
                                                                                         {"NULL", "null"}}};
  const auto base = type.substr(0, type.find('['));
  for (const auto& [name, short_name] : kNames)
    if (base == name) return std::string(short_name) + std::string(type.substr(base.size()));
  std::string lower(type);
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return lower;
}

BoxTable::BoxTable(std::span<const TextColumn> columns, std::size_t width)
    : columns_(columns.begin(), columns.end()), width_(width) {}

void BoxTable::add(std::span<const TextRow> rows) {
  // Of a batch only its end can be among the last.
  const std::size_t skip_to = rows.size() > kEnd ? rows.size() - kEnd : 0;
  for (std::size_t i = 0; i < rows.size(); ++i, ++rows_) {
    if (first_.size() >= kEnd && i < skip_to) continue;
    std::vector<std::string> cells;
    for (const auto& value : rows[i]) cells.push_back(shown(value));
    if (first_.size() < kEnd) {
      first_.push_back(std::move(cells));
    } else {
      if (last_.size() == kEnd) last_.erase(last_.begin());
      last_.push_back(std::move(cells));
    }
  }
}

// Narrows the widest columns until all fit; if they do not, leaves out some of the middle.
std::vector<std::size_t> BoxTable::shown_columns(std::vector<std::size_t>& widths) const {
  std::vector<std::size_t> shown(columns_.size());
  std::iota(shown.begin(), shown.end(), 0);
  if (width_ == 0) return shown;
  const auto total = [&] {
    std::size_t sum = shown.size() < columns_.size() ? 5 : 1;  // with the column of dots
    for (const auto i : shown) sum += widths[i] + 3;
    return sum;
  };
  while (total() > width_) {
    const auto widest = *std::ranges::max_element(shown, {}, [&](std::size_t i) { return widths[i]; });
    if (widths[widest] > kNarrowest) {
      // Down to the next narrower one at once, so that a text of a megabyte takes no million turns.
      std::size_t next = kNarrowest;
      for (const auto i : shown)
        if (widths[i] < widths[widest]) next = std::max(next, widths[i]);
      const auto excess = total() - width_;
      widths[widest] -= std::min(excess, std::max<std::size_t>(1, widths[widest] - next));
      continue;
    }
    if (shown.size() <= 2) break;
    shown.erase(shown.begin() + static_cast<std::ptrdiff_t>(shown.size() / 2));
  }
  return shown;
}

std::string BoxTable::render() const {
  std::vector<std::size_t> all_widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    auto width = std::max(display_width(printable_line(columns_[i].name)),
                          std::min<std::size_t>(display_width(short_type_name(columns_[i].type)), 40));
    for (const auto* part : {&first_, &last_})
      for (const auto& row : *part) width = std::max(width, display_width(row[i]));
    all_widths.push_back(width);
  }
  const auto columns = shown_columns(all_widths);
  const bool left_out = columns.size() < columns_.size();
  // Where columns are left out there is one of dots.
  const std::size_t gap = left_out ? columns.size() / 2 : columns.size();
  std::vector<std::size_t> widths;
  for (std::size_t k = 0; k < columns.size(); ++k) {
    if (k == gap) widths.push_back(1);
    widths.push_back(all_widths[columns[k]]);
  }
  const std::uint64_t kept = first_.size() + last_.size();
  const std::string count = counted(rows_, "row") + (kept < rows_ ? std::format(" ({} shown)", kept) : "");
  const std::string width =
      counted(columns_.size(), "column") + (left_out ? std::format(" ({} shown)", columns.size()) : std::string());
  const bool footer = rows_ == 0 || rows_ >= kFooterFromRows || kept < rows_ || left_out;
  std::size_t inside = widths.empty() ? 0 : 3 * widths.size() - 3;
  for (const auto w : widths) inside += w;
  if (footer && !widths.empty() && inside < count.size()) {
    widths.back() += count.size() - inside;
    inside = count.size();
  }

  const auto line = [&](const auto& cell, std::string_view dots) {
    std::string out = "│";
    std::size_t slot = 0;
    for (std::size_t k = 0; k < columns.size(); ++k) {
      if (k == gap) {
        out += std::format(" {} │", dots);
        ++slot;
      }
      out += " " + cell(columns[k], widths[slot++]) + " │";
    }
    return out + "\n";
  };
  std::string out = rule(widths, "┌", "┬", "┐");
  out +=
      line([&](std::size_t i, std::size_t w) { return pad(printable_line(columns_[i].name), w, Place::kCenter); }, "…");
  out += line([&](std::size_t i, std::size_t w) { return pad(short_type_name(columns_[i].type), w, Place::kCenter); },
              " ");
  const bool rows_shown = kept > 0;
  if (rows_shown) out += rule(widths, "├", "┼", "┤");
  const auto add_rows = [&](const std::vector<std::vector<std::string>>& rows) {
    for (const auto& row : rows)
      out += line([&](std::size_t i,
                      std::size_t w) { return pad(row[i], w, columns_[i].number ? Place::kRight : Place::kLeft); },
                  "…");
  };
  add_rows(first_);
  if (kept < rows_)
    for (int i = 0; i < 3; ++i)
      out += line([&](std::size_t i_column,
                      std::size_t w) { return pad("·", w, columns_[i_column].number ? Place::kRight : Place::kLeft); },
                  "·");
  add_rows(last_);
  if (!footer) return out + rule(widths, "└", "┴", "┘");
  out += rule(widths, "├", "┴", "┤");
  const bool both = columns_.size() > 1 && inside >= count.size() + width.size() + 2;
  out += std::format("│ {}{}{} │\n", count, std::string(inside - count.size() - (both ? width.size() : 0), ' '),
                     both ? width : "");
  return out + "└" + repeat("─", inside + 2) + "┘\n";
}

std::string MarkdownTable::add(std::span<const TextRow> rows) {
  std::string out;
  const auto line = [&](const auto& cell) {
    out += "|";
    for (std::size_t i = 0; i < columns_.size(); ++i) out += " " + cell(i) + " |";
    out += "\n";
  };
  if (widths_.empty()) {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      std::size_t width = std::max<std::size_t>(3, display_width(markdown_cell(columns_[i].name)));
      for (const auto& row : rows) width = std::max(width, display_width(markdown_cell(row[i])));
      widths_.push_back(width);
    }
    line([&](std::size_t i) { return pad(markdown_cell(columns_[i].name), widths_[i], Place::kLeft); });
    line([&](std::size_t i) {
      return columns_[i].number ? std::string(widths_[i] - 1, '-') + ":" : std::string(widths_[i], '-');
    });
  }
  for (const auto& row : rows)
    line([&](std::size_t i) {
      const auto cell = markdown_cell(row[i]);
      const auto width = std::max(widths_[i], display_width(cell));
      return pad(cell, width, columns_[i].number ? Place::kRight : Place::kLeft);
    });
  return out;
}

}  // namespace hyprstream
