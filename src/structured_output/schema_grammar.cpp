#include "structured_output/schema_grammar.hpp"

#include "structured_output/gbnf_writer.hpp"
#include "structured_output/json_rules.hpp"
#include "structured_output/schema_compiler.hpp"

namespace hyprstream {

Result<std::string> schema_to_grammar(const nlohmann::ordered_json& schema, const SchemaLimits& limits) {
  GbnfWriter writer(limits);
  HYPRSTREAM_ASSIGN(const auto start, SchemaCompiler(writer, schema).compile("value"));
  HYPRSTREAM_TRY(writer.check());
  return writer.finish(start);
}

std::string json_object_grammar() {
  GbnfWriter writer(SchemaLimits{});
  // Far within the limits, so it cannot fail.
  return any_object_rule(writer).transform([&](const std::string& start) { return writer.finish(start); }).value_or("");
}

}  // namespace hyprstream
