#include <algorithm>
#include <format>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/json.hpp"
#include "structured_output/gbnf_writer.hpp"
#include "structured_output/json_rules.hpp"
#include "structured_output/schema_compiler.hpp"
#include "structured_output/schema_grammar.hpp"
#include "structured_output/tool_calls.hpp"

namespace hyprstream {
namespace {

using Json = nlohmann::ordered_json;

std::unexpected<Error> about_tool(const std::string& name, Error error) {
  // A schema comes from the client: what is corrupt there is an argument.
  if (error.code == ErrorCode::kCorrupt) error.code = ErrorCode::kInvalidArgument;
  error.message = std::format("the tool '{:.80}': {}", name, error.message);
  return std::unexpected(std::move(error));
}

// The schema of a tool's arguments, which are always an object.
Result<Json> arguments_schema(const ToolDefinition& tool) {
  if (tool.parameters.empty()) return Json{{"type", "object"}, {"additionalProperties", false}};
  HYPRSTREAM_ASSIGN(auto schema, parse_ordered_json(tool.parameters, "the schema of its parameters"));
  if (!schema.is_object()) return fail(ErrorCode::kInvalidArgument, "the schema of its parameters must be an object");
  const auto type = schema.find("type");
  if (type == schema.end()) {
    schema["type"] = "object";
  } else if (*type != "object") {
    return fail(ErrorCode::kInvalidArgument, "the schema of its parameters must have the type 'object'");
  }
  // {"type": "object"} alone would be any object; a function without parameters takes none.
  const bool says_nothing = std::ranges::none_of(schema.items(), [](const auto& item) {
    return item.key() != "type" && item.key() != "description" && item.key() != "title";
  });
  if (says_nothing || schema == Json{{"type", "object"}, {"properties", Json::object()}})
    schema["additionalProperties"] = false;
  return schema;
}

Result<std::string> call_rule(GbnfWriter& writer, const ToolDefinition& tool) {
  auto schema = arguments_schema(tool);
  if (!schema) return about_tool(tool.name, std::move(schema).error());
  auto arguments = SchemaCompiler(writer, *schema).compile(tool.name + "-arguments");
  if (!arguments) return about_tool(tool.name, std::move(arguments).error());
  const auto name = Json(tool.name).dump(-1, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
  return writer.add(tool.name + "-call",
                    std::format("{} {} {}", gbnf_literal("<tool_call>\n{\"name\": " + name + ", \"arguments\": "),
                                *arguments, gbnf_literal("}\n</tool_call>")));
}

}  // namespace

Result<std::string> tool_call_grammar(std::span<const ToolDefinition> tools, const ToolChoice& choice) {
  if (tools.empty()) return fail(ErrorCode::kInvalidArgument, "there are no tools to call: give some in 'tools'");
  if (choice.mode == ToolChoice::Mode::kNone)
    return fail(ErrorCode::kInvalidArgument, "tool_choice 'none' asks for no call, so there is no grammar for it");
  GbnfWriter writer(SchemaLimits{});
  std::vector<std::string> calls;
  for (const auto& tool : tools) {
    if (choice.mode == ToolChoice::Mode::kNamed && tool.name != choice.name) continue;
    HYPRSTREAM_ASSIGN(auto call, call_rule(writer, tool));
    calls.push_back(std::move(call));
  }
  if (calls.empty())
    return fail(ErrorCode::kInvalidArgument,
                std::format("tool_choice names the function '{:.80}', which is not among the tools", choice.name));
  HYPRSTREAM_ASSIGN(const auto call, writer.add("call", gbnf_alternatives(calls)));
  HYPRSTREAM_TRY(writer.check());
  return writer.finish(choice.parallel_calls ? std::format("{0} (\"\\n\" {0})*", call) : call);
}

}  // namespace hyprstream
