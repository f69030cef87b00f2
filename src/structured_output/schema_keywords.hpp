// The keywords of JSON Schema, and reading their values. Internal to structured_output.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace hyprstream {

using SchemaJson = nlohmann::ordered_json;

// " (in the schema at '#/properties/a')": how a place is told.
std::string at_place(const std::string& pointer);

// Refuses keywords that would not be honoured. `pointer` is the schema's place.
// Errors: kUnsupported, naming the keyword and the place.
Result<void> check_keywords(const SchemaJson& schema, const std::string& pointer);

// Whether the keyword only tells about the schema ("title"), or is one of our own containers ("$defs").
bool is_annotation(std::string_view keyword);

// The schema without its annotations and without `keyword`.
SchemaJson without(const SchemaJson& schema, std::string_view keyword);

// The value of a keyword; unset if the schema does not have it.
// Errors: kInvalidArgument (of another type), naming the keyword and the place.
Result<std::optional<std::size_t>> count_of(const SchemaJson& schema, const char* keyword, const std::string& pointer);
Result<std::optional<std::string>> text_of(const SchemaJson& schema, const char* keyword, const std::string& pointer);
Result<const SchemaJson*> array_of(const SchemaJson& schema, const char* keyword, const std::string& pointer);
Result<const SchemaJson*> object_of(const SchemaJson& schema, const char* keyword, const std::string& pointer);
Result<std::vector<std::string>> texts_of(const SchemaJson& schema, const char* keyword, const std::string& pointer);

// The types that the schema allows, each once: those of `type`, or those that its other keywords are about; none: all.
// "integer" is left out beside "number".
// Errors: kInvalidArgument (no type of JSON Schema).
Result<std::vector<std::string>> types_of(const SchemaJson& schema, const std::string& pointer);

// Whether a value is of one of these types; none: of any.
bool is_of_types(const SchemaJson& value, const std::vector<std::string>& types);

}  // namespace hyprstream
