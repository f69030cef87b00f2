// What a terminal can show: tables, and whether colour is wanted.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace hyprstream {

// Whether the file descriptor (1 stdout, 2 stderr) is a terminal.
bool is_terminal(int fd) noexcept;

// Columns of the terminal at the file descriptor; 80 if it is none or does not say.
std::size_t terminal_width(int fd) noexcept;

// Whether to colour what goes to the file descriptor: a terminal, TERM is not "dumb" and
// NO_COLOR (no-color.org) is unset or empty.
bool wants_color(int fd) noexcept;

enum class Align { kLeft, kRight };

// Rows of cells in aligned columns, two spaces apart, without a frame.
class Table {
 public:
  explicit Table(std::vector<Align> columns) : align_(std::move(columns)) {}

  // Missing cells are empty; cells past the last column are dropped.
  void add_row(std::vector<std::string> cells);

  // One line per row, each ending in '\n', without trailing spaces.
  std::string render() const;

 private:
  std::vector<Align> align_;
  std::vector<std::vector<std::string>> rows_;
};

// "3.8 MB", "1.9 GB": decimal units, as disks and downloads count.
std::string format_bytes(unsigned long long bytes);

// "3.5 M", "596 M", "1.7 B": a count of parameters.
std::string format_count(unsigned long long count);

}  // namespace hyprstream
