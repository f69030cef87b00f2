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
  std::string name;            // of the function, for kNamed
  bool parallel_calls = true;  // whether there may be more than one call
};

// A grammar that forces one call or more of these tools, in the form above, with arguments as their schemas say (an
// object; `{}` for a tool without parameters). kAuto is taken as kRequired: a model that may also answer in words needs
// no grammar.
// Errors: kInvalidArgument (no tools; kNone; an unknown name; a schema that is no JSON), those of schema_to_grammar(),
// with the tool's name.
Result<std::string> tool_call_grammar(std::span<const ToolDefinition> tools, const ToolChoice& choice);

// Separates calls from text while both come in pieces, wherever they are cut. Text that may still become "<tool_call>"
// is held back, with the white space before it; white space around a call is dropped. A call that is not JSON, or names
// no known tool, comes out as the text that it is. The closing tag may be missing at the end. Not thread-safe.
class ToolCallParser {
 public:
  // `tools`: whose names are known.
  explicit ToolCallParser(std::span<const ToolDefinition> tools);

  struct Output {
    std::string text;
    std::vector<ToolCall> calls;  // complete ones, with fresh ids; whether text came before or behind them is not told
  };
  Output push(std::string_view text);
  Output finish();  // no more text comes

 private:
  std::optional<ToolCall> read_call(std::string_view body) const;
  std::optional<std::size_t> find_close();
  void end_call(std::size_t body_end, std::size_t end, Output& output);
  void pass_text(Output& output);

  std::vector<std::string> names_;
  std::string held_;
  bool in_call_ = false;     // held_ has the opening tag, behind nothing but white space
  bool in_string_ = false;   // of the call, at scanned_
  bool after_call_ = false;  // nothing but white space has come since the last call
  std::size_t scanned_ = 0;  // bytes of held_
};

}  // namespace hyprstream
