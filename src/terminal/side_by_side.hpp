// Two texts in two columns.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace hyprstream {

// The text in lines of at most `width` columns, broken at spaces where there are any. Line breaks in it stay.
std::vector<std::string> wrap_text(std::string_view text, std::size_t width);

// Lines that begin with two spaces: the left text, wrapped, beside the right one. `width`: columns of the whole, at
// least 24. Each ends in '\n'.
std::string render_side_by_side(std::string_view left, std::string_view right, std::size_t width);

}  // namespace hyprstream
