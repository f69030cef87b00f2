#include "structured_output/schema_compiler.hpp"

#include <algorithm>
#include <format>
#include <optional>
#include <utility>

#include "structured_output/json_rules.hpp"
#include "structured_output/schema_keywords.hpp"
#include "structured_output/schema_merge.hpp"
#include "structured_output/schema_refs.hpp"

namespace hyprstream {
namespace {

// Joining copies schemas, and a schema of a few lines can ask for it without end.
constexpr std::size_t kMostMerges = 1000;

// The error with the place at its end.
std::unexpected<Error> placed(Error error, const std::string& pointer) {
  error.message += at_place(pointer);
  return std::unexpected(std::move(error));
}

}  // namespace

SchemaCompiler::Place SchemaCompiler::Place::inside(std::string_view keyword) const {
  return {pointer_to(pointer, keyword), depth + 1, hint};
}

SchemaCompiler::Place SchemaCompiler::Place::inside(std::string_view keyword, std::string_view name) const {
  return {pointer_to(pointer_to(pointer, keyword), name), depth + 1, std::string(name)};
}

Result<void> SchemaCompiler::count_visit() {
  if (++visits_ <= 5 * writer_.limits().max_rules) return {};
  return fail(ErrorCode::kResourceExhausted,
              std::format("the schema has more than {} parts: make it simpler", 5 * writer_.limits().max_rules));
}

Result<void> SchemaCompiler::count_merge() {
  if (++merges_ <= kMostMerges) return {};
  return fail(ErrorCode::kResourceExhausted,
              std::format("more than {} schemas are joined by allOf or beside anyOf and $ref: make the schema simpler",
                          kMostMerges));
}

Result<std::string> SchemaCompiler::compile(std::string_view hint) {
  HYPRSTREAM_ASSIGN(auto start, visit_ref("#", Place{{}, 0, std::string(hint)}));
  while (!waiting_.empty()) {
    const auto next = std::move(waiting_.front());
    waiting_.pop_front();
    HYPRSTREAM_ASSIGN(auto body, visit(*next.schema, next.place));
    HYPRSTREAM_TRY(writer_.define(next.name, std::move(body)));
  }
  return start;
}

Result<std::string> SchemaCompiler::visit(const Json& schema, const Place& place) {
  HYPRSTREAM_TRY(count_visit());
  if (place.depth > writer_.limits().max_depth)
    return fail(ErrorCode::kResourceExhausted, std::format("the schema is nested more than {} deep{}",
                                                           writer_.limits().max_depth, at_place(place.pointer)));
  if (schema == true) return any_value_rule(writer_);
  if (schema == false)
    return fail(ErrorCode::kInvalidArgument, "the schema 'false' allows no value" + at_place(place.pointer));
  if (!schema.is_object())
    return fail(ErrorCode::kInvalidArgument, "a schema must be an object, true or false" + at_place(place.pointer));
  HYPRSTREAM_TRY(check_keywords(schema, place.pointer));

  HYPRSTREAM_ASSIGN(const auto reference, text_of(schema, "$ref", place.pointer));
  if (reference) {
    if (without(schema, "$ref").empty()) return visit_ref(*reference, place);
    HYPRSTREAM_ASSIGN(const auto joined, flattened(schema, place));
    return visit(joined, place.again());
  }
  if (schema.contains("allOf")) return visit_all_of(schema, place);
  const bool any_of = schema.contains("anyOf");
  if (any_of && schema.contains("oneOf"))
    return fail(ErrorCode::kUnsupported, "'anyOf' beside 'oneOf' is not supported" + at_place(place.pointer));
  if (any_of) return visit_any_of(schema, "anyOf", place);
  if (schema.contains("oneOf")) return visit_any_of(schema, "oneOf", place);
  if (schema.contains("enum") || schema.contains("const")) return visit_values(schema, place);

  HYPRSTREAM_ASSIGN(auto types, types_of(schema, place.pointer));
  if (types.empty()) return any_value_rule(writer_);
  if (schema.value("nullable", Json(false)) == true && std::ranges::find(types, "null") == types.end())
    types.emplace_back("null");
  std::vector<std::string> ways;
  for (const auto& type : types) {
    HYPRSTREAM_ASSIGN(auto rule, visit_type(schema, type, place));
    ways.push_back(std::move(rule));
  }
  return ways.size() == 1 ? ways.front() : writer_.add(place.hint, gbnf_alternatives(ways));
}

Result<std::string> SchemaCompiler::visit_ref(const std::string& reference, const Place& place) {
  auto target = find_ref(root_, reference);
  if (!target) return placed(std::move(target).error(), place.pointer);
  if (const auto known = rules_of_refs_.find(target->pointer); known != rules_of_refs_.end()) return known->second;
  const auto step = target->pointer.substr(target->pointer.rfind('/') + 1);
  const auto hint = target->pointer.empty() ? place.hint : step;
  HYPRSTREAM_ASSIGN(auto name, writer_.reserve(hint));
  rules_of_refs_.emplace(target->pointer, name);
  waiting_.push_back({name, target->schema, Place{target->pointer, 0, hint}});
  return name;
}

Result<nlohmann::ordered_json> SchemaCompiler::flattened(const Json& schema, const Place& place) {
  if (place.depth > writer_.limits().max_depth)
    return fail(ErrorCode::kResourceExhausted,
                "the schemas that are joined are nested too deep" + at_place(place.pointer));
  if (!schema.is_object()) return schema;
  HYPRSTREAM_TRY(check_keywords(schema, place.pointer));
  Json joined = true;
  const auto join = [&](const Json& part, const Place& where) -> Result<void> {
    HYPRSTREAM_TRY(count_merge());
    HYPRSTREAM_ASSIGN(const auto flat, flattened(part, where));
    HYPRSTREAM_ASSIGN(joined, merge_schemas(joined, flat, place.pointer, writer_.limits().max_depth));
    return {};
  };
  HYPRSTREAM_ASSIGN(const auto reference, text_of(schema, "$ref", place.pointer));
  HYPRSTREAM_ASSIGN(const auto* const parts, array_of(schema, "allOf", place.pointer));
  if (!reference && parts == nullptr) return schema;
  // What a schema is built on comes before what it adds.
  if (reference) {
    auto target = find_ref(root_, *reference);
    if (!target) return placed(std::move(target).error(), place.pointer);
    HYPRSTREAM_TRY(join(*target->schema, {target->pointer, place.depth + 1, place.hint}));
  }
  for (std::size_t i = 0; parts != nullptr && i < parts->size(); ++i)
    HYPRSTREAM_TRY(join((*parts)[i], place.inside("allOf", std::to_string(i))));
  HYPRSTREAM_TRY(join(without(without(schema, "$ref"), "allOf"), place.again()));
  return joined;
}

Result<std::string> SchemaCompiler::visit_all_of(const Json& schema, const Place& place) {
  HYPRSTREAM_ASSIGN(const auto* const parts, array_of(schema, "allOf", place.pointer));
  // One part alone is itself, and may be a circle.
  if (parts->size() == 1 && without(schema, "allOf").empty())
    return visit(parts->front(), {pointer_to(pointer_to(place.pointer, "allOf"), "0"), place.depth + 1, place.hint});
  HYPRSTREAM_ASSIGN(const auto joined, flattened(schema, place));
  return visit(joined, place.again());
}

Result<std::string> SchemaCompiler::visit_any_of(const Json& schema, const char* keyword, const Place& place) {
  HYPRSTREAM_ASSIGN(const auto* const parts, array_of(schema, keyword, place.pointer));
  const auto beside = without(schema, keyword);
  std::vector<std::string> ways;
  for (std::size_t i = 0; i < parts->size(); ++i) {
    auto where = place.inside(keyword, std::to_string(i));
    where.hint = place.hint;
    if ((*parts)[i] == false) continue;
    Result<std::string> rule;
    if (beside.empty()) {
      rule = visit((*parts)[i], where);
    } else {
      HYPRSTREAM_TRY(count_merge());
      HYPRSTREAM_ASSIGN(const auto flat, flattened((*parts)[i], where));
      HYPRSTREAM_ASSIGN(const auto joined, merge_schemas(beside, flat, where.pointer, writer_.limits().max_depth));
      rule = visit(joined, where);
    }
    if (!rule) return rule;
    if (std::ranges::find(ways, *rule) == ways.end()) ways.push_back(std::move(*rule));
  }
  if (ways.empty())
    return fail(ErrorCode::kInvalidArgument,
                std::format("'{}' has no schema in it{}", keyword, at_place(place.pointer)));
  return ways.size() == 1 ? ways.front() : writer_.add(place.hint, gbnf_alternatives(ways));
}

Result<std::string> SchemaCompiler::visit_values(const Json& schema, const Place& place) {
  for (const auto& [keyword, value] : schema.items())
    if (keyword != "enum" && keyword != "const" && keyword != "type" && keyword != "nullable" &&
        !is_annotation(keyword))
      return fail(ErrorCode::kUnsupported,
                  std::format("'{}' beside 'enum' or 'const' is not supported{}", keyword, at_place(place.pointer)));
  HYPRSTREAM_ASSIGN(const auto* const list, array_of(schema, "enum", place.pointer));
  std::vector<std::string> types;
  if (schema.contains("type")) {
    HYPRSTREAM_ASSIGN(types, types_of(schema, place.pointer));
    if (schema.value("nullable", Json(false)) == true) types.emplace_back("null");
  }
  const auto constant = schema.find("const");
  auto values = list != nullptr ? *list : Json::array({*constant});
  std::vector<std::string> ways;
  for (const auto& value : values) {
    if (!is_of_types(value, types) || (constant != schema.end() && value != *constant)) continue;
    HYPRSTREAM_ASSIGN(auto way, literal_body(writer_, value));
    if (std::ranges::find(ways, way) == ways.end()) ways.push_back(std::move(way));
  }
  if (ways.empty())
    return fail(ErrorCode::kInvalidArgument,
                std::format("'{}' leaves no value{}", list != nullptr ? "enum" : "const", at_place(place.pointer)));
  return writer_.add(place.hint, gbnf_alternatives(ways));
}

Result<std::string> SchemaCompiler::visit_type(const Json& schema, const std::string& type, const Place& place) {
  if (type == "object") return visit_object(schema, place);
  if (type == "array") return visit_array(schema, place);
  if (type == "string") return visit_string(schema, place);
  if (type == "boolean") return boolean_rule(writer_);
  if (type == "null") return null_rule(writer_);
  return visit_number(schema, type == "integer", place);
}

Result<std::optional<std::size_t>> SchemaCompiler::limited_count(const Json& schema, const char* keyword,
                                                                 const Place& place) const {
  HYPRSTREAM_ASSIGN(const auto count, count_of(schema, keyword, place.pointer));
  if (count && *count > writer_.limits().max_repetitions)
    return fail(ErrorCode::kResourceExhausted,
                std::format("'{}' is {}, and {} is the most{}: leave it out or make it smaller", keyword, *count,
                            writer_.limits().max_repetitions, at_place(place.pointer)));
  return count;
}

}  // namespace hyprstream
