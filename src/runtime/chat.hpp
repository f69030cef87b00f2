// Chat messages, tools, and what a template needs to turn them into a prompt.
#pragma once

#include <string>
#include <vector>

namespace hyprstream {

// A call that the assistant made.
struct ToolCall {
  std::string id;         // "call_...": what the tool's answer refers to
  std::string name;       // of the function
  std::string arguments;  // a JSON object, as text
};

struct ChatMessage {
  std::string role;                  // "system", "user", "assistant", "tool", ...
  std::string content;               // UTF-8
  std::vector<ToolCall> tool_calls;  // an assistant's
  std::string tool_call_id;          // a tool's answer: to which call
};

// A function that the model may call.
struct ToolDefinition {
  std::string name;
  std::string description;  // may be empty
  std::string parameters;   // a JSON schema, as text; empty: none
};

struct ChatTemplateOptions {
  bool add_generation_prompt = true;  // end with the opening of the assistant's turn
  std::vector<ToolDefinition> tools;
};

}  // namespace hyprstream
