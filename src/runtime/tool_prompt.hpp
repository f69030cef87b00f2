// Tools told in plain text, for models whose template does not know them.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <vector>

#include "base/error.hpp"
#include "runtime/chat.hpp"

namespace hyprstream {

// A tool as OpenAI's API and chat templates have it: {"type": "function", "function": {...}}.
// Errors: kInvalidArgument (its parameters are no JSON object, or its texts are not UTF-8), with the tool's name.
Result<nlohmann::ordered_json> tool_as_json(const ToolDefinition& tool);

// A call's arguments as the value that they are; as text, if they are no JSON.
nlohmann::ordered_json arguments_as_json(const ToolCall& call);

// Whether anything in the chat is about tools.
bool concerns_tools(std::span<const ChatMessage> messages, std::span<const ToolDefinition> tools) noexcept;

enum class ToolPlacement {
  kSystem,     // in the system message, which is added if there is none
  kFirstUser,  // before the first user message: for templates without a system role
};

// The same chat without tools: those are listed in a message, with how to call them; calls and answers become text of
// the assistant and of the user, in the form that structured_output/tool_calls.hpp reads. Answers that follow each
// other, and the user's next words, are one message, because many templates want the roles to alternate.
// Errors: those of tool_as_json().
Result<std::vector<ChatMessage>> tools_as_text(std::span<const ChatMessage> messages,
                                               std::span<const ToolDefinition> tools, ToolPlacement placement);

}  // namespace hyprstream
