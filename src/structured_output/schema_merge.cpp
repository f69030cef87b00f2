#include "structured_output/schema_merge.hpp"

#include <algorithm>
#include <format>

#include "structured_output/schema_keywords.hpp"

namespace hyprstream {
namespace {

std::unexpected<Error> contradiction(std::string_view keyword, const std::string& pointer) {
  return fail(ErrorCode::kInvalidArgument,
              std::format("nothing satisfies both '{}' that are asked for{}", keyword, at_place(pointer)));
}

SchemaJson as_list(const SchemaJson& value) { return value.is_array() ? value : SchemaJson::array({value}); }

bool holds(const SchemaJson& list, const SchemaJson& value) { return std::ranges::find(list, value) != list.end(); }

Result<SchemaJson> common_types(const SchemaJson& a, const SchemaJson& b, const std::string& pointer) {
  auto types = SchemaJson::array();
  const auto list_a = as_list(a);
  const auto list_b = as_list(b);
  for (const auto& type : list_a)
    if (holds(list_b, type) || (type == "integer" && holds(list_b, "number"))) types.push_back(type);
  if (holds(list_a, "number") && !holds(list_a, "integer") && holds(list_b, "integer") && !holds(types, "integer"))
    types.push_back("integer");
  if (types.empty()) return contradiction("type", pointer);
  return types;
}

// What stays of two properties of one name; a schema with a $ref waits in an allOf until it is reached.
Result<SchemaJson> both(const SchemaJson& a, const SchemaJson& b, const std::string& pointer, std::size_t depth) {
  if (a == b) return a;
  const auto simple = [](const SchemaJson& schema) {
    return !schema.is_object() || (!schema.contains("$ref") && !schema.contains("allOf"));
  };
  if (simple(a) && simple(b)) return merge_schemas(a, b, pointer, depth - 1);
  return SchemaJson{{"allOf", SchemaJson::array({a, b})}};
}

class Merge {
 public:
  Merge(const SchemaJson& a, const SchemaJson& b, const std::string& pointer, std::size_t depth)
      : a_(a), b_(b), pointer_(pointer), depth_(depth) {}

  Result<SchemaJson> run() {
    SchemaJson merged = a_;
    for (const auto& [keyword, value] : b_.items()) {
      const auto mine = a_.find(keyword);
      if (keyword == "properties" || keyword == "additionalProperties") continue;
      if (mine == a_.end()) {
        merged[keyword] = value;
      } else if (*mine != value && !is_annotation(keyword)) {
        HYPRSTREAM_ASSIGN(merged[keyword], joined(keyword, *mine, value));
      }
    }
    HYPRSTREAM_TRY(join_properties(merged));
    return merged;
  }

 private:
  Result<SchemaJson> joined(const std::string& keyword, const SchemaJson& a, const SchemaJson& b) const {
    if (keyword == "type") return common_types(a, b, pointer_);
    if (keyword == "required" && a.is_array() && b.is_array()) {
      auto names = a;
      for (const auto& name : b)
        if (!holds(names, name)) names.push_back(name);
      return names;
    }
    if (keyword == "enum" && a.is_array() && b.is_array()) {
      auto values = SchemaJson::array();
      for (const auto& value : a)
        if (holds(b, value)) values.push_back(value);
      if (values.empty()) return contradiction("enum", pointer_);
      return values;
    }
    if (keyword == "const") return contradiction("const", pointer_);
    if (keyword == "nullable") return SchemaJson(false);
    if (a.is_number() && b.is_number()) {
      if (keyword.starts_with("min") || keyword == "exclusiveMinimum") return std::max(a, b);
      if (keyword.starts_with("max") || keyword == "exclusiveMaximum") return std::min(a, b);
    }
    if (keyword == "items" && !a.is_array() && !b.is_array()) return both(a, b, pointer_, depth_);
    return fail(ErrorCode::kUnsupported,
                std::format("two different '{}' that must both hold are not supported{}", keyword, at_place(pointer_)));
  }

  // A property that only one side names is what the other's additionalProperties says, too.
  Result<void> join_properties(SchemaJson& merged) const {
    HYPRSTREAM_ASSIGN(const auto* const mine, object_of(a_, "properties", pointer_));
    HYPRSTREAM_ASSIGN(const auto* const theirs, object_of(b_, "properties", pointer_));
    auto properties = SchemaJson::object();
    if (mine != nullptr) {
      for (const auto& [name, schema] : mine->items()) {
        const auto other = theirs != nullptr ? theirs->find(name) : mine->end();
        const bool in_both = theirs != nullptr && other != theirs->end();
        HYPRSTREAM_ASSIGN(properties[name], both(schema, in_both ? *other : others_of(b_), pointer_, depth_));
      }
    }
    if (theirs != nullptr) {
      for (const auto& [name, schema] : theirs->items()) {
        if (properties.contains(name)) continue;
        HYPRSTREAM_ASSIGN(properties[name], both(schema, others_of(a_), pointer_, depth_));
      }
    }
    if (mine != nullptr || theirs != nullptr) merged["properties"] = std::move(properties);
    if (a_.contains("additionalProperties") || b_.contains("additionalProperties")) {
      HYPRSTREAM_ASSIGN(merged["additionalProperties"], both(others_of(a_), others_of(b_), pointer_, depth_));
    }
    return {};
  }

  static SchemaJson others_of(const SchemaJson& schema) {
    return schema.value("additionalProperties", SchemaJson(true));
  }

  const SchemaJson& a_;
  const SchemaJson& b_;
  const std::string& pointer_;
  std::size_t depth_;
};

}  // namespace

Result<SchemaJson> merge_schemas(const SchemaJson& a, const SchemaJson& b, const std::string& pointer,
                                 std::size_t depth) {
  if (depth == 0)
    return fail(ErrorCode::kResourceExhausted, "the schemas that are joined are nested too deep" + at_place(pointer));
  if (a == false || b == false) return SchemaJson(false);
  if (a == true || (a.is_object() && a.empty())) return b;
  if (b == true || (b.is_object() && b.empty())) return a;
  for (const auto* schema : {&a, &b})
    if (!schema->is_object())
      return fail(ErrorCode::kInvalidArgument, "a schema must be an object, true or false" + at_place(pointer));
  return Merge(a, b, pointer, depth).run();
}

}  // namespace hyprstream
