#include "runtime/builtin_chat_template.hpp"

#include <llama.h>

#include <algorithm>
#include <climits>
#include <exception>
#include <vector>

#include "runtime/tool_prompt.hpp"

namespace hyprstream {

Result<std::string> apply_builtin_chat_template(const std::string& name_or_source,
                                                std::span<const ChatMessage> messages,
                                                const ChatTemplateOptions& options) {
  if (messages.empty()) return fail(ErrorCode::kInvalidArgument, "a chat needs at least one message");
  if (concerns_tools(messages, options.tools)) {
    HYPRSTREAM_ASSIGN(const auto told, tools_as_text(messages, options.tools, ToolPlacement::kSystem));
    return apply_builtin_chat_template(name_or_source, told, {.add_generation_prompt = options.add_generation_prompt});
  }
  std::vector<llama_chat_message> chat;
  std::size_t length = 256;
  for (const auto& message : messages) {
    if (message.role.contains('\0') || message.content.contains('\0'))
      return fail(ErrorCode::kInvalidArgument,
                  "message " + std::to_string(chat.size() + 1) + " contains a NUL character; leave it out");
    chat.push_back({message.role.c_str(), message.content.c_str()});
    length += message.role.size() + message.content.size() + 64;
  }
  if (length > INT_MAX / 2) return fail(ErrorCode::kInvalidArgument, "the messages are too long");

  std::string prompt;
  std::int32_t needed = 0;
  try {
    // The first length is a guess; the call says what it needs.
    for (prompt.resize(length);; prompt.resize(static_cast<std::size_t>(needed))) {
      needed =
          llama_chat_apply_template(name_or_source.c_str(), chat.data(), chat.size(), options.add_generation_prompt,
                                    prompt.data(), static_cast<std::int32_t>(prompt.size()));
      if (needed < 0)
        return fail(ErrorCode::kUnsupported, "the model's chat template resembles none of llama.cpp's built-in ones");
      if (static_cast<std::size_t>(needed) <= prompt.size()) break;
    }
  } catch (const std::exception& error) {
    return fail(ErrorCode::kInternal, std::string("llama.cpp cannot apply its chat template: ") + error.what());
  }
  prompt.resize(static_cast<std::size_t>(needed));
  return prompt;
}

}  // namespace hyprstream
