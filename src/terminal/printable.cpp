#include "terminal/printable.hpp"

#include <format>

#include "base/utf8.hpp"

namespace hyprstream {
namespace {

std::string escape_controls(std::string_view text, bool keep_lines) {
  const std::string valid = replace_invalid_utf8(text);
  std::string out;
  out.reserve(valid.size());
  for (std::size_t i = 0; i < valid.size(); ++i) {
    const auto byte = static_cast<unsigned char>(valid[i]);
    const bool is_c0 = byte < 0x20 || byte == 0x7f;
    // U+0080 to U+009F, which some terminals take for escape sequences: C2 80 to C2 9F.
    const bool is_c1 = byte == 0xc2 && i + 1 < valid.size() && static_cast<unsigned char>(valid[i + 1]) < 0xa0;
    if (is_c1) {
      out += std::format("\\x{:02x}", static_cast<unsigned char>(valid[++i]));
    } else if (is_c0 && !(keep_lines && (byte == '\n' || byte == '\t'))) {
      out += std::format("\\x{:02x}", byte);
    } else {
      out += valid[i];
    }
  }
  return out;
}

}  // namespace

std::string printable_line(std::string_view text) { return escape_controls(text, /*keep_lines=*/false); }

std::string in_quotes(std::string_view text) { return "'" + printable_line(text) + "'"; }

std::string printable_text(std::string_view text) { return escape_controls(text, /*keep_lines=*/true); }

}  // namespace hyprstream
