// Where a $ref leads. Internal to structured_output.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace hyprstream {

// `pointer` with one step more, escaped as RFC 6901 asks.
std::string pointer_to(const std::string& pointer, std::string_view step);

struct RefTarget {
  std::string pointer;                             // "/$defs/node"; empty: the whole schema
  const nlohmann::ordered_json* schema = nullptr;  // within the schema that was given
};

// `reference` is the value of a $ref: "#" or "#/$defs/node", with the percent signs of URIs.
// Errors: kInvalidArgument (it leads nowhere), kUnsupported (it leads out of the schema, or to an anchor).
Result<RefTarget> find_ref(const nlohmann::ordered_json& root, const std::string& reference);

}  // namespace hyprstream
