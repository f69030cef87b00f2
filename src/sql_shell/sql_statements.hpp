// Where the statements of a text in SQL begin and end.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace hyprstream {

struct SqlPiece {
  std::size_t offset = 0;   // of its first character that is neither space nor comment
  std::string_view text;    // from there, without the semicolon
  bool terminated = false;  // a semicolon follows
};

// Cut at semicolons that are not part of a text, a quoted name, a dollar-quoted text or a comment, as PostgreSQL and
// DuckDB read them. What has neither a statement nor a semicolon is left out. The views are into `sql`.
std::vector<SqlPiece> split_sql(std::string_view sql);

// Whether more lines are needed: the last statement has no semicolon yet. Not for a text without any.
bool is_unfinished_sql(std::string_view sql);

}  // namespace hyprstream
