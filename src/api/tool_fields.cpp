#include "api/tool_fields.hpp"

#include <algorithm>
#include <format>

namespace hyprstream {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostTools = 128;
constexpr std::size_t kLongestName = 64;

bool is_function_name(std::string_view name) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.';
  };
  return !name.empty() && name.size() <= kLongestName && std::ranges::all_of(name, good);
}

// The field `function` of a tool, a call or a choice.
ApiResult<const Json*> read_function(const JsonFields& fields) {
  HYPRSTREAM_ASSIGN(const auto type, fields.text("type"));
  if (type && *type != "function") return fields.wrong("type", "function: there is nothing else to call");
  const auto* function = fields.find("function");
  if (function == nullptr || !function->is_object()) return fields.wrong("function", "an object with a name");
  return function;
}

ApiResult<std::string> read_name(const JsonFields& function) {
  HYPRSTREAM_ASSIGN(const auto name, function.text("name"));
  if (!name || !is_function_name(*name))
    return function.wrong("name", std::format("1 to {} letters, digits, '_', '-' and '.'", kLongestName));
  return *name;
}

ApiResult<ToolDefinition> read_tool(const JsonFields& fields, const std::string& prefix) {
  HYPRSTREAM_ASSIGN(const auto* const object, read_function(fields));
  const JsonFields function(*object, prefix + "function.");
  ToolDefinition tool;
  HYPRSTREAM_ASSIGN(tool.name, read_name(function));
  HYPRSTREAM_ASSIGN(const auto description, function.text("description"));
  tool.description = description.value_or("");
  if (const auto* parameters = function.find("parameters")) {
    if (!parameters->is_object()) return function.wrong("parameters", "a JSON schema");
    tool.parameters = parameters->dump(-1, ' ', false, Json::error_handler_t::replace);
  }
  return tool;
}

ApiResult<std::vector<ToolDefinition>> read_tools(const JsonFields& fields) {
  std::vector<ToolDefinition> tools;
  const auto* list = fields.find("tools");
  if (list == nullptr) return tools;
  if (!list->is_array() || list->size() > kMostTools)
    return fields.wrong("tools", std::format("a list of at most {} functions", kMostTools));
  for (std::size_t i = 0; i < list->size(); ++i) {
    if (!(*list)[i].is_object()) return fields.wrong("tools", "a list of objects with a function");
    const auto prefix = std::format("tools[{}].", i);
    HYPRSTREAM_ASSIGN(auto tool, read_tool(JsonFields((*list)[i], prefix), prefix));
    if (std::ranges::contains(tools, tool.name, &ToolDefinition::name))
      return fields.wrong("tools", std::format("a list without two functions called '{}'", tool.name));
    tools.push_back(std::move(tool));
  }
  return tools;
}

ApiResult<ToolChoice> read_choice(const JsonFields& fields) {
  constexpr const char* kForms = "none, auto, required, or an object that names a function";
  ToolChoice choice;
  HYPRSTREAM_ASSIGN(const auto parallel, fields.flag("parallel_tool_calls"));
  choice.parallel_calls = parallel.value_or(true);
  const auto* value = fields.find("tool_choice");
  if (value == nullptr) return choice;
  if (value->is_object()) {
    HYPRSTREAM_ASSIGN(const auto* const object, read_function(JsonFields(*value, "tool_choice.")));
    HYPRSTREAM_ASSIGN(choice.name, read_name(JsonFields(*object, "tool_choice.function.")));
    choice.mode = ToolChoice::Mode::kNamed;
    return choice;
  }
  if (*value == "none")
    choice.mode = ToolChoice::Mode::kNone;
  else if (*value == "required")
    choice.mode = ToolChoice::Mode::kRequired;
  else if (*value != "auto")
    return fields.wrong("tool_choice", kForms);
  return choice;
}

}  // namespace

ApiResult<ToolFields> read_tool_fields(const JsonFields& fields) {
  HYPRSTREAM_ASSIGN(auto tools, read_tools(fields));
  HYPRSTREAM_ASSIGN(const auto choice, read_choice(fields));
  ToolFields read;
  if (choice.mode == ToolChoice::Mode::kNone) return read;
  if (choice.mode != ToolChoice::Mode::kAuto) {
    if (tools.empty()) return fields.wrong("tool_choice", "none or auto where there are no tools");
    auto grammar = tool_call_grammar(tools, choice);
    if (!grammar) {
      const bool unknown = !choice.name.empty() && !std::ranges::contains(tools, choice.name, &ToolDefinition::name);
      return std::unexpected(invalid_field(unknown ? "tool_choice" : "tools", grammar.error().message));
    }
    read.grammar = std::move(*grammar);
  }
  read.tools = std::move(tools);
  return read;
}

ApiResult<std::vector<ToolCall>> read_tool_calls(const JsonFields& message) {
  std::vector<ToolCall> calls;
  const auto* list = message.find("tool_calls");
  if (list == nullptr) return calls;
  constexpr const char* kForms = "a list of calls with a function";
  if (!list->is_array() || list->size() > kMostTools) return message.wrong("tool_calls", kForms);
  for (const auto& item : *list) {
    if (!item.is_object()) return message.wrong("tool_calls", kForms);
    const JsonFields fields(item, "tool_calls.");
    HYPRSTREAM_ASSIGN(const auto* const object, read_function(fields));
    const JsonFields function(*object, "tool_calls.function.");
    HYPRSTREAM_ASSIGN(const auto id, fields.text("id"));
    HYPRSTREAM_ASSIGN(auto name, read_name(function));
    HYPRSTREAM_ASSIGN(const auto arguments, function.text("arguments"));
    calls.push_back({.id = id.value_or(""), .name = std::move(name), .arguments = arguments.value_or("{}")});
  }
  return calls;
}

Json tool_calls_json(const std::vector<ToolCall>& calls, std::optional<std::size_t> first_index) {
  Json list = Json::array();
  for (const auto& call : calls) {
    Json entry = Json::object();
    if (first_index) entry["index"] = *first_index + list.size();
    entry["id"] = call.id;
    entry["type"] = "function";
    entry["function"] = {{"name", call.name}, {"arguments", call.arguments}};
    list.push_back(std::move(entry));
  }
  return list;
}

}  // namespace hyprstream
