// The Link header (RFC 8288), which pages of the hub's answers are chained with.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace hyprstream {

// The target of the link whose relation is "next". Nothing if there is none, or if the header breaks the
// format before it.
std::optional<std::string> next_page(std::string_view header);

}  // namespace hyprstream
