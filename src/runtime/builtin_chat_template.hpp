// llama.cpp's built-in chat templates: for models whose own template cannot be run.
#pragma once

#include <span>
#include <string>

#include "base/error.hpp"
#include "runtime/chat.hpp"

namespace hyprstream {

// The prompt after the built-in template that `name_or_source` names ("chatml", "llama3") or, if
// it is the source of a template, resembles by the markers in it. Nothing of it is interpreted. None
// of these knows tools: they are told as text (tool_prompt.hpp).
// Thread-safe.
// Errors: kUnsupported (resembles none), kInvalidArgument (no messages; text with a NUL in it,
// which llama.cpp cannot take; a tool whose parameters are no JSON object).
Result<std::string> apply_builtin_chat_template(const std::string& name_or_source,
                                                std::span<const ChatMessage> messages,
                                                const ChatTemplateOptions& options);

}  // namespace hyprstream
