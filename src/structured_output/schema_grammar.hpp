// From a JSON schema to a GBNF grammar that llama.cpp's sampler follows.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.hpp"

namespace hyprstream {

// What a schema may cost. A schema comes from a client.
struct SchemaLimits {
  std::size_t max_depth = 32;    // nested schemas
  std::size_t max_rules = 2000;  // of the grammar
  std::size_t max_grammar_bytes = 512 * 1024;
  std::size_t max_repetitions = 1000;  // minItems, maxItems, minLength, maxLength, {n} in a pattern: each of them
  std::size_t max_total_repetitions = 10'000;  // and all of them together
};

// A grammar with the root rule `root` whose texts are the JSON values that the schema allows, properties in the
// schema's order, with at most one space between tokens. docs/structured-output.md lists the keywords.
// Errors: kInvalidArgument (no schema; names the place as a JSON pointer and the keyword), kUnsupported (a keyword that
// would not be honoured, named), kResourceExhausted (a limit, named).
Result<std::string> schema_to_grammar(const nlohmann::ordered_json& schema, const SchemaLimits& limits = {});

// Any JSON object: response_format json_object.
std::string json_object_grammar();

}  // namespace hyprstream
