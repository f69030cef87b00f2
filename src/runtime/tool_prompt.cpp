#include "runtime/tool_prompt.hpp"

#include <algorithm>
#include <format>
#include <string>
#include <utility>

#include "base/json.hpp"
#include "base/utf8.hpp"

namespace hyprstream {
namespace {

using Json = nlohmann::ordered_json;

std::string dumped(const Json& value) {
  return value.dump(-1, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
}

Result<std::string> introduction(std::span<const ToolDefinition> tools) {
  std::string text =
      "# Functions\n\nThe functions below are yours to call whenever one of them helps to answer. Every line between "
      "<tools> and </tools> describes one, with a JSON schema of its parameters:\n<tools>\n";
  for (const auto& tool : tools) {
    HYPRSTREAM_ASSIGN(const auto json, tool_as_json(tool));
    text += dumped(json) + "\n";
  }
  return text +
         "</tools>\n\nTo call a function, write its name and its arguments as a JSON object between these tags, and "
         "nothing after them:\n<tool_call>\n{\"name\": \"the name of the function\", \"arguments\": {\"the name of a "
         "parameter\": \"its value\"}}\n</tool_call>\n\nIts result is then given to you between <tool_response> and "
         "</tool_response>.";
}

std::string call_text(const ToolCall& call) {
  return std::format("<tool_call>\n{{\"name\": {}, \"arguments\": {}}}\n</tool_call>", dumped(Json(call.name)),
                     dumped(arguments_as_json(call)));
}

}  // namespace

Result<nlohmann::ordered_json> tool_as_json(const ToolDefinition& tool) {
  for (const auto* text : {&tool.name, &tool.description})
    if (const auto at = find_invalid_utf8(*text))
      return fail(ErrorCode::kInvalidArgument,
                  std::format("the tool '{}' is not valid UTF-8 at byte {} of its name or description",
                              replace_invalid_utf8(tool.name), *at));
  Json function = {{"name", tool.name}};
  if (!tool.description.empty()) function["description"] = tool.description;
  function["parameters"] = Json{{"type", "object"}, {"properties", Json::object()}};
  if (!tool.parameters.empty()) {
    auto parameters = parse_ordered_json(tool.parameters, "the schema of its parameters");
    if (!parameters || !parameters->is_object())
      return fail(ErrorCode::kInvalidArgument, std::format("the tool '{}': {}", tool.name,
                                                           parameters ? "the schema of its parameters must be an object"
                                                                      : parameters.error().message));
    function["parameters"] = std::move(*parameters);
  }
  return Json{{"type", "function"}, {"function", std::move(function)}};
}

nlohmann::ordered_json arguments_as_json(const ToolCall& call) {
  if (call.arguments.empty()) return Json::object();
  return parse_ordered_json(call.arguments, "the arguments").value_or(Json(replace_invalid_utf8(call.arguments)));
}

bool concerns_tools(std::span<const ChatMessage> messages, std::span<const ToolDefinition> tools) noexcept {
  return !tools.empty() ||
         std::ranges::any_of(messages, [](const auto& m) { return m.role == "tool" || !m.tool_calls.empty(); });
}

Result<std::vector<ChatMessage>> tools_as_text(std::span<const ChatMessage> messages,
                                               std::span<const ToolDefinition> tools, ToolPlacement placement) {
  std::string told;
  if (!tools.empty()) {
    HYPRSTREAM_ASSIGN(told, introduction(tools));
  }
  std::vector<ChatMessage> result;
  bool last_is_answer = false;
  for (const auto& message : messages) {
    const bool answer = message.role == "tool";
    auto content = answer ? "<tool_response>\n" + message.content + "\n</tool_response>" : message.content;
    for (const auto& call : message.tool_calls) content += (content.empty() ? "" : "\n") + call_text(call);
    if (last_is_answer && (answer || message.role == "user"))
      result.back().content += "\n" + content;
    else
      result.push_back({.role = answer ? "user" : message.role,
                        .content = std::move(content),
                        .tool_calls = {},
                        .tool_call_id = {}});
    last_is_answer = answer;
  }
  if (told.empty()) return result;
  const auto role = placement == ToolPlacement::kSystem ? "system" : "user";
  const auto host = placement == ToolPlacement::kSystem && (result.empty() || result.front().role != role)
                        ? result.end()
                        : std::ranges::find(result, role, &ChatMessage::role);
  if (host == result.end()) {
    result.insert(result.begin(), {.role = role, .content = std::move(told), .tool_calls = {}, .tool_call_id = {}});
  } else if (placement == ToolPlacement::kSystem) {
    host->content += (host->content.empty() ? "" : "\n\n") + told;
  } else {
    host->content = told + "\n\n" + host->content;
  }
  return result;
}

}  // namespace hyprstream
