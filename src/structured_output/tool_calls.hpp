// Function calls in a model's text, as Qwen's and Hermes' templates have the model write them:
//   <tool_call>
//   {"name": "get_weather", "arguments": {"city": "Paris"}}
//   </tool_call>
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "runtime/chat.hpp"

namespace hyprstream {

// What the answer must be.
struct ToolChoice {
  enum class Mode : std::uint8_t { kNone, kAuto, kRequired, kNamed };
  Mode mode = Mode::kAuto;
  std::string name;              // of the function, for kNamed
  bool parallel_calls = true;    // whether there may be more than one call
};

// A grammar that forces one call or more of these tools, in the form above, with arguments as their schemas say.
// Errors: kInvalidArgument (no tools; an unknown name), those of schema_to_grammar().
Result<std::string> tool_call_grammar(std::span<const ToolDefinition> tools, const ToolChoice& choice);

// Separates calls from text while both come in pieces. Text that may still become "<tool_call>" is held back; a call
// that is not JSON, or names no known tool, comes out as the text that it is. Not thread-safe.
class ToolCallParser {
 public:
  // `tools`: whose names are known.
  explicit ToolCallParser(std::span<const ToolDefinition> tools);

  struct Output {
    std::string text;
    std::vector<ToolCall> calls;  // complete ones, with fresh ids
  };
  Output push(std::string_view text);
  Output finish();  // no more text comes

 private:
  std::vector<std::string> names_;
  std::string held_;
  bool in_call_ = false;
};

}  // namespace hyprstream
