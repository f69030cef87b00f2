// The fields about tools: what may be called, what was called, what must be called. Internal to api.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/json_fields.hpp"
#include "runtime/chat.hpp"
#include "structured_output/tool_calls.hpp"

namespace hyprstream {

struct ToolFields {
  std::vector<ToolDefinition> tools;   // empty where `tool_choice` is "none"
  std::optional<std::string> grammar;  // that forces a call
};

// `tools`, `tool_choice`, `parallel_tool_calls`. Errors: 400 naming the field.
ApiResult<ToolFields> read_tool_fields(const JsonFields& fields);

// An assistant message's `tool_calls`. Errors: 400 naming the field.
ApiResult<std::vector<ToolCall>> read_tool_calls(const JsonFields& message);

// As OpenAI has them in answers. `first_index`: streamed calls carry their place in the message; none: a whole message.
nlohmann::ordered_json tool_calls_json(const std::vector<ToolCall>& calls, std::optional<std::size_t> first_index);

}  // namespace hyprstream
