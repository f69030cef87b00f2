// Reading JSON from elsewhere.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "base/error.hpp"

namespace hyprstream {

// Strict JSON (RFC 8259): no comments, nothing after the value, no key twice in one object, arrays and
// objects nested at most `max_depth` deep. `what` names the text in messages: "the hub's answer".
// Errors: kCorrupt, saying what is wrong: the line and column (in bytes, from 1), or the key, or the depth.
Result<nlohmann::json> parse_json(std::string_view text, std::string_view what, std::size_t max_depth = 64);

// The same with the keys of an object in the order of the text, 10,000 of them at most.
Result<nlohmann::ordered_json> parse_ordered_json(std::string_view text, std::string_view what,
                                                  std::size_t max_depth = 64);

}  // namespace hyprstream
