#include "sql_shell/sql_statements.hpp"

#include <algorithm>

namespace hyprstream {
namespace {

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

std::size_t behind(std::string_view sql, std::string_view mark, std::size_t from) {
  const auto found = sql.find(mark, from);
  return found == std::string_view::npos ? sql.size() : found + mark.size();
}

// Behind a text or a quoted name that begins at `at`. Two marks are one that does not end it.
std::size_t behind_quotes(std::string_view sql, std::size_t at, bool escapes) {
  const char mark = sql[at];
  for (++at; at < sql.size(); ++at) {
    if (escapes && sql[at] == '\\') {
      ++at;
    } else if (sql[at] == mark) {
      if (at + 1 >= sql.size() || sql[at + 1] != mark) return at + 1;
      ++at;
    }
  }
  return sql.size();
}

// Behind /* ... */, which may hold others of its kind.
std::size_t behind_comment(std::string_view sql, std::size_t at) {
  std::size_t depth = 0;
  while (at < sql.size()) {
    const auto two = sql.substr(at, 2);
    if (two == "/*") {
      ++depth;
      at += 2;
    } else if (two == "*/") {
      at += 2;
      if (--depth == 0) return at;
    } else {
      ++at;
    }
  }
  return sql.size();
}

// Behind $tag$ ... $tag$, or behind the dollar if that is no beginning of one.
std::size_t behind_dollars(std::string_view sql, std::size_t at) {
  auto end = at + 1;
  while (end < sql.size() && is_name(sql[end])) ++end;
  const bool digit_first = end > at + 1 && sql[at + 1] >= '0' && sql[at + 1] <= '9';  // a parameter: $1
  if (end >= sql.size() || sql[end] != '$' || digit_first) return at + 1;
  return behind(sql, sql.substr(at, end + 1 - at), end + 1);
}

struct Token {
  std::size_t end = 0;
  bool matters = false;  // neither space nor comment
  bool semicolon = false;
};

Token token_at(std::string_view sql, std::size_t at) {
  const char c = sql[at];
  if (is_space(c)) return {.end = at + 1};
  if (c == ';') return {.end = at + 1, .semicolon = true};
  const auto two = sql.substr(at, 2);
  if (two == "--") return {.end = behind(sql, "\n", at)};
  if (two == "/*") return {.end = behind_comment(sql, at)};
  if (c == '\'' || c == '"') return {.end = behind_quotes(sql, at, false), .matters = true};
  if ((c == 'e' || c == 'E') && at + 1 < sql.size() && sql[at + 1] == '\'')
    return {.end = behind_quotes(sql, at + 1, true), .matters = true};
  if (c == '$') return {.end = behind_dollars(sql, at), .matters = true};
  // A whole name at once: the e of one'x' and the $ of a$b$c begin nothing.
  auto end = at + 1;
  if (is_name(c))
    while (end < sql.size() && (is_name(sql[end]) || sql[end] == '$')) ++end;
  return {.end = end, .matters = true};
}

}  // namespace

std::vector<SqlPiece> split_sql(std::string_view sql) {
  std::vector<SqlPiece> pieces;
  std::size_t begin = std::string_view::npos;
  std::size_t end = 0;  // behind what matters last
  for (std::size_t at = 0; at < sql.size();) {
    const auto token = token_at(sql, at);
    if (token.semicolon && begin != std::string_view::npos) {
      pieces.push_back({.offset = begin, .text = sql.substr(begin, end - begin), .terminated = true});
      begin = std::string_view::npos;
    } else if (token.matters) {
      begin = std::min(begin, at);
      end = token.end;
    }
    at = token.end;
  }
  if (begin != std::string_view::npos) pieces.push_back({.offset = begin, .text = sql.substr(begin, end - begin)});
  return pieces;
}

bool is_unfinished_sql(std::string_view sql) {
  const auto pieces = split_sql(sql);
  return !pieces.empty() && !pieces.back().terminated;
}

}  // namespace hyprstream
