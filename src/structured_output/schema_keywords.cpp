#include "structured_output/schema_keywords.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <format>

namespace hyprstream {
namespace {

// What only tells about a schema, or holds schemas for $ref. A default is not put in for anybody.
constexpr std::array<std::string_view, 28> kAnnotations = {"$anchor",
                                                           "$comment",
                                                           "$defs",
                                                           "$id",
                                                           "$schema",
                                                           "$vocabulary",
                                                           "contentEncoding",
                                                           "default",
                                                           "definitions",
                                                           "deprecated",
                                                           "description",
                                                           "discriminator",
                                                           "example",
                                                           "examples",
                                                           "externalDocs",
                                                           "id",
                                                           "markdownDescription",
                                                           "readOnly",
                                                           "strict",
                                                           "title",
                                                           "writeOnly",
                                                           "xml",
                                                           "contentMediaType",
                                                           "contentSchema",
                                                           "enumDescriptions",
                                                           "errorMessage",
                                                           "enumNames",
                                                           "name"};

// What is honoured, and the type that it is about.
struct Assertion {
  std::string_view keyword;
  std::string_view type;  // empty: any
};
constexpr std::array<Assertion, 33> kAssertions = {{
    {"$ref", ""},
    {"additionalItems", "array"},
    {"additionalProperties", "object"},
    {"allOf", ""},
    {"anyOf", ""},
    {"const", ""},
    {"enum", ""},
    {"exclusiveMaximum", "number"},
    {"exclusiveMinimum", "number"},
    {"format", "string"},
    {"items", "array"},
    {"maxItems", "array"},
    {"maxLength", "string"},
    {"maxProperties", "object"},
    {"maximum", "number"},
    {"minItems", "array"},
    {"minLength", "string"},
    {"minProperties", "object"},
    {"minimum", "number"},
    {"multipleOf", "number"},
    {"nullable", ""},
    {"oneOf", ""},
    {"pattern", "string"},
    {"patternProperties", "object"},
    {"prefixItems", "array"},
    {"properties", "object"},
    {"propertyNames", "object"},
    {"required", "object"},
    {"type", ""},
    {"unevaluatedItems", "array"},
    {"unevaluatedProperties", "object"},
    {"uniqueItems", "array"},
    {"dependentRequired", "object"},
}};

constexpr std::array<std::string_view, 7> kTypes = {"null",   "boolean", "integer", "number",
                                                    "string", "array",   "object"};

const Assertion* find_assertion(std::string_view keyword) {
  const auto* const found = std::ranges::find(kAssertions, keyword, &Assertion::keyword);
  return found == kAssertions.end() ? nullptr : found;
}

// Values with which a keyword that we do not know how to follow asks for nothing.
bool asks_for_nothing(std::string_view keyword, const SchemaJson& value) {
  const bool open = value == true || (value.is_object() && value.empty());
  if (keyword == "patternProperties" || keyword == "dependentRequired") return value.is_object() && value.empty();
  if (keyword == "propertyNames") return open;
  if (keyword == "uniqueItems") return value == false;
  if (keyword == "multipleOf") return value == 1;  // types_of() makes it an integer
  // Only what other keywords name is generated, so these are kept.
  if (keyword == "unevaluatedItems" || keyword == "unevaluatedProperties") return open || value == false;
  return true;
}

std::unexpected<Error> wrong(const char* keyword, std::string_view what, const std::string& pointer) {
  return fail(ErrorCode::kInvalidArgument, std::format("'{}' must be {}{}", keyword, what, at_place(pointer)));
}

}  // namespace

std::string at_place(const std::string& pointer) {
  return std::format(" (in the schema at '#{}')", pointer.size() <= 200 ? pointer : pointer.substr(0, 197) + "...");
}

bool is_annotation(std::string_view keyword) {
  return keyword.starts_with("x-") || std::ranges::find(kAnnotations, keyword) != kAnnotations.end();
}

Result<void> check_keywords(const SchemaJson& schema, const std::string& pointer) {
  for (const auto& [keyword, value] : schema.items()) {
    // A schema with an address of its own would change where the $refs in it lead.
    const bool moves_refs = keyword == "$id" && !pointer.empty();
    if (is_annotation(keyword) && !moves_refs) continue;
    if (moves_refs || find_assertion(keyword) == nullptr || !asks_for_nothing(keyword, value))
      return fail(ErrorCode::kUnsupported,
                  std::format("the keyword '{:.80}' is not supported{}: leave it out, or check "
                              "the answer for it",
                              keyword, at_place(pointer)));
  }
  return {};
}

SchemaJson without(const SchemaJson& schema, std::string_view keyword) {
  auto rest = SchemaJson::object();
  for (const auto& [key, value] : schema.items())
    if (key != keyword && !is_annotation(key)) rest[key] = value;
  return rest;
}

Result<std::optional<std::size_t>> count_of(const SchemaJson& schema, const char* keyword, const std::string& pointer) {
  const auto found = schema.find(keyword);
  if (found == schema.end()) return std::optional<std::size_t>();
  if (found->is_number_unsigned()) return std::optional<std::size_t>(found->get<std::size_t>());
  const double number = found->is_number() ? found->get<double>() : -1;
  if (number < 0 || number != std::floor(number) || number > 1e15)
    return wrong(keyword, "a whole number, 0 or more", pointer);
  return std::optional(static_cast<std::size_t>(number));
}

Result<std::optional<std::string>> text_of(const SchemaJson& schema, const char* keyword, const std::string& pointer) {
  const auto found = schema.find(keyword);
  if (found == schema.end()) return std::optional<std::string>();
  if (!found->is_string()) return wrong(keyword, "a string", pointer);
  return std::optional(found->get<std::string>());
}

Result<const SchemaJson*> array_of(const SchemaJson& schema, const char* keyword, const std::string& pointer) {
  const auto found = schema.find(keyword);
  if (found == schema.end()) return nullptr;
  if (!found->is_array()) return wrong(keyword, "a list", pointer);
  return &*found;
}

Result<const SchemaJson*> object_of(const SchemaJson& schema, const char* keyword, const std::string& pointer) {
  const auto found = schema.find(keyword);
  if (found == schema.end()) return nullptr;
  if (!found->is_object()) return wrong(keyword, "an object", pointer);
  return &*found;
}

Result<std::vector<std::string>> texts_of(const SchemaJson& schema, const char* keyword, const std::string& pointer) {
  HYPRSTREAM_ASSIGN(const auto* const list, array_of(schema, keyword, pointer));
  std::vector<std::string> texts;
  if (list == nullptr) return texts;
  for (const auto& text : *list) {
    if (!text.is_string()) return wrong(keyword, "a list of strings", pointer);
    texts.push_back(text.get<std::string>());
  }
  return texts;
}

Result<std::vector<std::string>> types_of(const SchemaJson& schema, const std::string& pointer) {
  std::vector<std::string> types;
  const auto add = [&](std::string_view type) {
    if (std::ranges::find(types, type) == types.end()) types.emplace_back(type);
  };
  if (const auto named = schema.find("type"); named == schema.end()) {
    for (const auto& [keyword, value] : schema.items())
      if (const auto* const assertion = find_assertion(keyword); assertion != nullptr && !assertion->type.empty())
        add(assertion->type);
  } else {
    const auto list = named->is_array() ? *named : SchemaJson::array({*named});
    for (const auto& type : list) {
      if (!type.is_string() || std::ranges::find(kTypes, type.get<std::string>()) == kTypes.end())
        return wrong("type", "null, boolean, integer, number, string, array or object, or a list of them", pointer);
      add(type.get<std::string>());
    }
    if (types.empty()) return wrong("type", "a list that is not empty", pointer);
  }
  const bool whole = schema.contains("multipleOf");  // by 1: check_keywords()
  if (whole) std::ranges::replace(types, "number", "integer");
  if (std::ranges::find(types, "number") != types.end()) std::erase(types, "integer");
  std::vector<std::string> once;
  for (auto& type : types)
    if (std::ranges::find(once, type) == once.end()) once.push_back(std::move(type));
  return once;
}

bool is_of_types(const SchemaJson& value, const std::vector<std::string>& types) {
  if (types.empty()) return true;
  return std::ranges::any_of(types, [&](const std::string& type) {
    if (type == "null") return value.is_null();
    if (type == "boolean") return value.is_boolean();
    if (type == "integer")
      return value.is_number() && (!value.is_number_float() || std::floor(value.get<double>()) == value.get<double>());
    if (type == "number") return value.is_number();
    if (type == "string") return value.is_string();
    return type == "array" ? value.is_array() : value.is_object();
  });
}

}  // namespace hyprstream
