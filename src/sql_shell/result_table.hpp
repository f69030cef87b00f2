// Results as tables for people: a box as DuckDB's own command line draws it, and Markdown.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "catalog/text_result.hpp"

namespace hyprstream {

// A table that is drawn once all rows were added; of many rows it keeps the first and the last, so that its memory does
// not grow with their number. Not thread-safe.
class BoxTable {
 public:
  // `width`: columns of the terminal to fit into; 0: as wide as the values are.
  BoxTable(std::span<const TextColumn> columns, std::size_t width);

  void add(std::span<const TextRow> rows);
  std::string render() const;

 private:
  std::vector<std::size_t> shown_columns(std::vector<std::size_t>& widths) const;

  std::vector<TextColumn> columns_;
  std::size_t width_;
  std::vector<std::vector<std::string>> first_;
  std::vector<std::vector<std::string>> last_;  // a ring of the newest
  std::uint64_t rows_ = 0;
};

// Rows as they come; the columns are as wide as the first rows need. Not thread-safe.
class MarkdownTable {
 public:
  explicit MarkdownTable(std::span<const TextColumn> columns) : columns_(columns.begin(), columns.end()) {}

  // The lines of these rows, and before the first of them, or of none, the head.
  std::string add(std::span<const TextRow> rows);

 private:
  std::vector<TextColumn> columns_;
  std::vector<std::size_t> widths_;
};

// "int64" for BIGINT, "varchar[]": what the box writes below a column's name.
std::string short_type_name(std::string_view type);

}  // namespace hyprstream
