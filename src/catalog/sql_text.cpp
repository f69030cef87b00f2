#include "catalog/sql_text.hpp"

namespace hyprstream {
namespace {

std::string between(std::string_view text, char mark) {
  std::string out(1, mark);
  for (const char c : text) out.append(c == mark ? 2 : 1, c);
  return out + mark;
}

}  // namespace

std::string sql_string(std::string_view value) { return between(value, '\''); }
std::string sql_identifier(std::string_view name) { return between(name, '"'); }

}  // namespace hyprstream
