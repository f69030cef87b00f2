// The minja side of ChatTemplate: what runs in the sandbox, and only there.
#pragma once

#include <ctime>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "runtime/chat.hpp"

namespace hyprstream {

// What a render needs, as bytes that a child process can be sent. `now` is local time: the C
// library's time zone is behind a lock that a child must not wait for.
// Errors: kInvalidArgument (no messages; text that is not UTF-8; a tool whose parameters are no JSON object).
Result<std::string> encode_chat(std::span<const ChatMessage> messages, const ChatTemplateOptions& options,
                                const std::tm& now);

// Parses a template. The function that comes back renders it for the bytes of encode_chat().
// Neither is safe against a hostile template: they may crash, hang and take all memory.
// Errors: kCorrupt (minja cannot read it). Of the function: kInvalidArgument (the template
// refuses the messages), kCorrupt.
Result<std::function<Result<std::string>(std::string_view chat)>> parse_minja_template(const std::string& source,
                                                                                       const std::string& bos_token,
                                                                                       const std::string& eos_token);

// Whether the template lists `tools` itself, and has the model call them in the one form that we read, "<tool_call>".
bool writes_tool_calls(std::string_view source);

// minja strips the white space before every tag at the beginning of a line; with lstrip_blocks
// Jinja does so before {% and {# only. The template with such white space before {{ written so
// that minja keeps it.
std::string keep_expression_indent(std::string_view source);

// minja looks for the next operator, keyword or tag in all of the rest of the template, and takes
// it only if it comes at once: the square of the template's length. The template with a comment
// before every tag that has all of them in it, so that the search ends there. Nothing else changes.
std::string add_landmarks(std::string_view source);

}  // namespace hyprstream
