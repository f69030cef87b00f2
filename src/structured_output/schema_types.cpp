// SchemaCompiler: what each type's own keywords ask for.
#include <algorithm>
#include <format>
#include <optional>
#include <set>
#include <utility>

#include "structured_output/json_rules.hpp"
#include "structured_output/number_range.hpp"
#include "structured_output/object_rules.hpp"
#include "structured_output/schema_compiler.hpp"
#include "structured_output/schema_keywords.hpp"
#include "structured_output/string_patterns.hpp"

namespace hyprstream {
namespace {

std::unexpected<Error> impossible(std::string_view why, const std::string& pointer) {
  return fail(ErrorCode::kInvalidArgument, std::string(why) + at_place(pointer));
}

Result<std::string> placed(Result<std::string> rule, const std::string& pointer) {
  return std::move(rule).transform_error([&](Error error) {
    error.message += at_place(pointer);
    return error;
  });
}

}  // namespace

Result<std::string> SchemaCompiler::visit_object(const Json& schema, const Place& place) {
  HYPRSTREAM_ASSIGN(const auto* const properties, object_of(schema, "properties", place.pointer));
  HYPRSTREAM_ASSIGN(const auto required_names, texts_of(schema, "required", place.pointer));
  HYPRSTREAM_ASSIGN(const auto least, count_of(schema, "minProperties", place.pointer));
  HYPRSTREAM_ASSIGN(const auto most, limited_count(schema, "maxProperties", place));
  const std::set<std::string, std::less<>> required(required_names.begin(), required_names.end());
  // JSON Schema lets an object have any other property where nothing is said; we generate only what is named.
  const auto others = schema.find("additionalProperties");
  const bool all_open = properties == nullptr && required.empty();
  const bool open = others == schema.end() ? all_open : *others != false;
  const Json any(true);
  const Json& other_schema = others == schema.end() ? any : *others;
  if (all_open && other_schema == true && !least && !most) return any_object_rule(writer_);

  ObjectRules rules;
  const auto add = [&](const std::string& name, const Json& value, const Place& where) -> Result<void> {
    const bool needed = required.contains(name);
    if (value == false && !needed) return {};
    HYPRSTREAM_ASSIGN(auto rule, visit(value, where));
    rules.properties.push_back({name, std::move(rule), needed});
    return {};
  };
  if (properties != nullptr)
    for (const auto& [name, value] : properties->items())
      HYPRSTREAM_TRY(add(name, value, place.inside("properties", name)));
  for (const auto& name : required_names) {
    if (std::ranges::find(rules.properties, name, &PropertyRule::key) != rules.properties.end()) continue;
    if (other_schema == false)
      return impossible(std::format("'{:.80}' is required, and not among the properties", name), place.pointer);
    HYPRSTREAM_TRY(add(name, other_schema, place.inside("additionalProperties", name)));
  }
  if (open) {
    const auto where = place.inside("additionalProperties");
    HYPRSTREAM_ASSIGN(rules.others, visit(other_schema, where));
  }

  const auto needed = static_cast<std::size_t>(std::ranges::count(rules.properties, true, &PropertyRule::required));
  if (least.value_or(0) > std::max<std::size_t>(needed, 1))
    return fail(ErrorCode::kUnsupported,
                "'minProperties' above 1 and above the number of required properties is not supported" +
                    at_place(place.pointer));
  rules.may_be_empty = least.value_or(0) == 0;
  if (!rules.may_be_empty && rules.properties.empty() && !open)
    return impossible("'minProperties' asks for more properties than there are", place.pointer);
  if (most && *most < needed) return impossible("'maxProperties' is less than what is required", place.pointer);
  if (most && *most < rules.properties.size())
    return fail(ErrorCode::kUnsupported,
                "'maxProperties' below the number of named properties is not supported" + at_place(place.pointer));
  if (most) rules.most_others = *most - rules.properties.size();
  if (!rules.may_be_empty && rules.properties.empty() && rules.most_others == 0)
    return impossible("'maxProperties' is less than 'minProperties'", place.pointer);
  return object_rule(writer_, place.hint, rules);
}

Result<std::string> SchemaCompiler::visit_array(const Json& schema, const Place& place) {
  HYPRSTREAM_ASSIGN(const auto least, limited_count(schema, "minItems", place));
  HYPRSTREAM_ASSIGN(auto most, limited_count(schema, "maxItems", place));
  if (least && most && *least > *most) return impossible("'minItems' is more than 'maxItems'", place.pointer);
  // Draft 7 has the first elements as a list in `items`, and the others in `additionalItems`.
  HYPRSTREAM_ASSIGN(const auto* first, array_of(schema, "prefixItems", place.pointer));
  const auto items = schema.find("items");
  const bool old_form = first == nullptr && items != schema.end() && items->is_array();
  if (old_form) first = &*items;
  const char* const others_keyword = old_form ? "additionalItems" : "items";
  const auto others = schema.find(others_keyword);
  const std::size_t named = first != nullptr ? first->size() : 0;

  HYPRSTREAM_ASSIGN(const auto space, space_rule(writer_));
  std::string inside;
  std::size_t optional = 0;
  // Without minItems all of the first elements are generated.
  const std::size_t needed = least.value_or(named);
  for (std::size_t i = 0; i < named && (!most || i < *most); ++i) {
    auto where = place.inside(old_form ? "items" : "prefixItems", std::to_string(i));
    where.hint = place.hint + "-" + std::to_string(i);
    HYPRSTREAM_ASSIGN(const auto element, visit((*first)[i], where));
    if (i >= needed) {
      inside += i == 0 ? "(" : " (";
      ++optional;
    }
    inside += i == 0 ? element : std::format(" \",\" {} {}", space, element);
  }
  const bool others_wanted = others != schema.end() ? *others != false : named == 0 || needed > named;
  if (!others_wanted && needed > named)
    return impossible("'minItems' asks for more elements than there may be", place.pointer);
  if (others_wanted && (!most || *most > named)) {
    const Json any(true);
    auto where = place.inside(others_keyword);
    where.hint = place.hint + "-item";
    HYPRSTREAM_ASSIGN(const auto element, visit(others != schema.end() ? *others : any, where));
    if (most) *most -= named;
    const std::size_t fewest = needed - std::min(needed, named);
    if (named == 0) {
      HYPRSTREAM_ASSIGN(inside, list_of(writer_, element, fewest, most));
    } else {
      const auto next = std::format("(\",\" {} {})", space, element);
      HYPRSTREAM_ASSIGN(const auto more,
                        most ? writer_.repeat(next, fewest, *most) : writer_.repeat_from(next, fewest));
      inside += " " + more;
    }
  }
  for (; optional > 0; --optional) inside += ")?";
  if (inside.empty()) return writer_.add(place.hint, std::format("\"[\" {} \"]\"", space));
  return writer_.add(place.hint, std::format("\"[\" {0} {1} {0} \"]\"", space, inside));
}

Result<std::string> SchemaCompiler::visit_string(const Json& schema, const Place& place) {
  HYPRSTREAM_ASSIGN(const auto pattern, text_of(schema, "pattern", place.pointer));
  HYPRSTREAM_ASSIGN(const auto format, text_of(schema, "format", place.pointer));
  HYPRSTREAM_ASSIGN(const auto least, limited_count(schema, "minLength", place));
  HYPRSTREAM_ASSIGN(const auto most, limited_count(schema, "maxLength", place));
  if (least && most && *least > *most) return impossible("'minLength' is more than 'maxLength'", place.pointer);
  const bool has_length = least.value_or(0) > 0 || most;
  if ((pattern.has_value() + format.has_value() + has_length) > 1)
    return fail(ErrorCode::kUnsupported, "of 'pattern', 'format' and 'minLength' or 'maxLength' only one is supported" +
                                             at_place(place.pointer) +
                                             ": write the length into the pattern, as in '^[a-z]{2,8}$'");
  if (pattern) return placed(pattern_rule(writer_, *pattern), place.pointer);
  if (format) return placed(format_rule(writer_, *format), place.pointer);
  return string_rule(writer_, least.value_or(0), most);
}

Result<std::string> SchemaCompiler::visit_number(const Json& schema, bool integer, const Place& place) {
  NumberRange range;
  const auto read = [&](const char* keyword, bool inclusive, bool lower) -> Result<void> {
    const auto found = schema.find(keyword);
    if (found == schema.end()) return {};
    // Draft 4 has exclusiveMinimum as a flag of minimum.
    if (!found->is_number()) return impossible(std::format("'{}' must be a number", keyword), place.pointer);
    auto& bound = lower ? range.least : range.most;
    const bool stricter =
        !bound || (lower ? *found > bound->value : *found < bound->value) || (*found == bound->value && !inclusive);
    if (stricter) bound = NumberBound{*found, inclusive};
    return {};
  };
  HYPRSTREAM_TRY(read("minimum", true, true));
  HYPRSTREAM_TRY(read("exclusiveMinimum", false, true));
  HYPRSTREAM_TRY(read("maximum", true, false));
  HYPRSTREAM_TRY(read("exclusiveMaximum", false, false));
  if (!range.least && !range.most) return integer ? integer_rule(writer_) : number_rule(writer_);
  return placed(integer ? integer_range_rule(writer_, range) : decimal_range_rule(writer_, range), place.pointer);
}

}  // namespace hyprstream
