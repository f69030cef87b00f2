// "Did you mean ...": the closest of some names to what was typed.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace hyprstream {

// Insertions, deletions, substitutions and swaps of neighbours that turn one text into the other
// (optimal string alignment), in bytes.
std::size_t edit_distance(std::string_view a, std::string_view b);

// The nearest candidate, if it is near enough to be a slip of the finger: at most a third of its
// length away, or typed as its beginning. The first wins a tie.
std::optional<std::string> nearest_match(std::string_view typed, std::span<const std::string> candidates);

}  // namespace hyprstream
