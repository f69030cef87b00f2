#include "structured_output/json_rules.hpp"

#include <format>

#include "structured_output/char_set.hpp"

namespace hyprstream {
namespace {

using Json = nlohmann::ordered_json;

std::string json_text(std::string_view text) {
  return Json(text).dump(-1, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
}

// The body of a rule for one value, nested parts in line.
Result<std::string> literal_body(GbnfWriter& writer, const Json& value, std::size_t depth) {
  if (depth > writer.limits().max_depth)
    return fail(ErrorCode::kResourceExhausted,
                std::format("a value in the schema is nested more than {} deep", writer.limits().max_depth));
  if (!value.is_structured())
    return gbnf_literal(value.dump(-1, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace));
  HYPRSTREAM_ASSIGN(const auto space, space_rule(writer));
  std::string body = gbnf_literal(value.is_array() ? "[" : "{") + " " + space;
  bool first = true;
  for (const auto& [key, part] : value.items()) {
    if (!first) body += " \",\" " + space;
    first = false;
    HYPRSTREAM_ASSIGN(const auto inside, literal_body(writer, part, depth + 1));
    body += " ";
    if (value.is_object()) body += gbnf_literal(json_text(key) + ":") + " " + space + " ";
    body += inside;
  }
  return body + (first ? " " : " " + space + " ") + gbnf_literal(value.is_array() ? "]" : "}");
}

}  // namespace

Result<std::string> space_rule(GbnfWriter& writer) { return writer.add("space", "\" \"?"); }

Result<std::string> character_rule(GbnfWriter& writer) {
  static const std::string kRaw = CharSet::of("\"\\").add(0, 0x1F).complement().gbnf_class();
  return writer.add("char", kRaw + R"( | "\\" (["\\/bfnrt] | "u" ([0-9a-cA-CefEF] [0-9a-fA-F]{3})"
                                   R"( | [dD] [0-7] [0-9a-fA-F]{2})"
                                   R"( | [dD] [89abAB] [0-9a-fA-F]{2} "\\u" [dD] [c-fC-F] [0-9a-fA-F]{2})))");
}

Result<std::string> string_rule(GbnfWriter& writer) { return string_rule(writer, 0, std::nullopt); }

Result<std::string> string_rule(GbnfWriter& writer, std::size_t least, std::optional<std::size_t> most) {
  HYPRSTREAM_ASSIGN(const auto character, character_rule(writer));
  HYPRSTREAM_ASSIGN(const auto inside,
                    most ? writer.repeat(character, least, *most) : writer.repeat_from(character, least));
  return writer.add("string", R"("\"" )" + inside + R"( "\"")");
}

Result<std::string> integer_rule(GbnfWriter& writer) {
  return writer.add("integer", R"("0" | "-"? [1-9] [0-9]{0,15})");
}

Result<std::string> number_rule(GbnfWriter& writer) {
  // Exponents up to 288: with 16 digits before it the largest is below 1e305.
  return writer.add("number", R"("-"? ("0" | [1-9] [0-9]{0,15}) ("." [0-9]{1,16})?)"
                              R"( ([eE] [+-]? ([0-9] [0-9]? | "1" [0-9] [0-9] | "2" [0-8] [0-8]))?)");
}

Result<std::string> boolean_rule(GbnfWriter& writer) { return writer.add("boolean", R"("true" | "false")"); }

Result<std::string> null_rule(GbnfWriter& writer) { return writer.add("null", R"("null")"); }

Result<std::string> literal_body(GbnfWriter& writer, const nlohmann::ordered_json& value) {
  return literal_body(writer, value, 0);
}

Result<std::string> key_and_colon(GbnfWriter& writer, std::string_view key) {
  HYPRSTREAM_ASSIGN(const auto space, space_rule(writer));
  return gbnf_literal(json_text(key) + ":") + " " + space;
}

Result<std::string> any_object_rule(GbnfWriter& writer) {
  HYPRSTREAM_ASSIGN(const auto space, space_rule(writer));
  HYPRSTREAM_ASSIGN(const auto string, string_rule(writer));
  HYPRSTREAM_ASSIGN(const auto value, any_value_rule(writer));
  HYPRSTREAM_ASSIGN(const auto members, list_of(writer, std::format("{} \":\" {} {}", string, space, value), 1, {}));
  return writer.add("any-object", std::format("\"{{\" {0} ({1} {0})? \"}}\"", space, members));
}

Result<std::string> any_array_rule(GbnfWriter& writer) {
  HYPRSTREAM_ASSIGN(const auto space, space_rule(writer));
  HYPRSTREAM_ASSIGN(const auto value, any_value_rule(writer));
  HYPRSTREAM_ASSIGN(const auto elements, list_of(writer, value, 1, {}));
  return writer.add("any-array", std::format("\"[\" {0} ({1} {0})? \"]\"", space, elements));
}

Result<std::string> any_value_rule(GbnfWriter& writer) {
  HYPRSTREAM_ASSIGN(const auto value, writer.share("any-value"));
  if (!value.fresh) return value.name;
  // Both come back here, and find the name known.
  HYPRSTREAM_ASSIGN(const auto object, any_object_rule(writer));
  HYPRSTREAM_ASSIGN(const auto array, any_array_rule(writer));
  HYPRSTREAM_ASSIGN(const auto string, string_rule(writer));
  HYPRSTREAM_ASSIGN(const auto number, number_rule(writer));
  HYPRSTREAM_ASSIGN(const auto boolean, boolean_rule(writer));
  HYPRSTREAM_ASSIGN(const auto null, null_rule(writer));
  HYPRSTREAM_TRY(writer.define(value.name, gbnf_alternatives({object, array, string, number, boolean, null})));
  return value.name;
}

Result<std::string> list_of(GbnfWriter& writer, const std::string& item, std::size_t least,
                            std::optional<std::size_t> most) {
  HYPRSTREAM_ASSIGN(const auto space, space_rule(writer));
  if (most && *most == 0) return std::string("\"\"");
  const std::size_t fewest_more = least > 0 ? least - 1 : 0;
  const auto next = std::format("(\",\" {} {})", space, item);
  HYPRSTREAM_ASSIGN(const auto more,
                    most ? writer.repeat(next, fewest_more, *most - 1) : writer.repeat_from(next, fewest_more));
  return least > 0 ? std::format("{} {}", item, more) : std::format("({} {})?", item, more);
}

}  // namespace hyprstream
