// Where statements begin and end: pieces are in order, do not overlap, and cutting them again gives them back.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "sql_shell/sql_statements.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hyprstream;
  const std::string_view sql(reinterpret_cast<const char*>(data), size);
  std::size_t end = 0;
  for (const auto& piece : split_sql(sql)) {
    if (piece.text.empty() || piece.offset < end || piece.text.data() != sql.data() + piece.offset) std::abort();
    end = piece.offset + piece.text.size();
    if (end > sql.size()) std::abort();
    const auto again = split_sql(piece.text);
    if (again.size() != 1 || again.front().text != piece.text) std::abort();
  }
  return 0;
}
