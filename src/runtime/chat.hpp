// Chat messages and the template that turns them into a prompt.
#pragma once

#include <string>
#include <vector>

namespace hyprstream {

struct ChatMessage {
  std::string role;     // "system", "user", "assistant", ...
  std::string content;  // UTF-8
};

struct ChatTemplateOptions {
  bool add_generation_prompt = true;  // end with the opening of the assistant's turn
};

}  // namespace hyprstream
