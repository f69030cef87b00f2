// Two schemas into one that asks for both. Internal to structured_output.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "base/error.hpp"

namespace hyprstream {

// For allOf, and for what stands beside anyOf or $ref. Both are schemas without a $ref or an allOf of their own level.
// `pointer` is where they meet, for messages; `depth` the most levels of properties and items that may be merged.
// Errors: kInvalidArgument (nothing satisfies both), kUnsupported (keywords that do not join, named),
// kResourceExhausted (nested too deep).
Result<nlohmann::ordered_json> merge_schemas(const nlohmann::ordered_json& a, const nlohmann::ordered_json& b,
                                             const std::string& pointer, std::size_t depth);

}  // namespace hyprstream
