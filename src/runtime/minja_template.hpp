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
// Errors: kInvalidArgument (no messages; text that is not UTF-8).
Result<std::string> encode_chat(std::span<const ChatMessage> messages, const ChatTemplateOptions& options,
                                const std::tm& now);

// Parses a template. The function that comes back renders it for the bytes of encode_chat().
// Neither is safe against a hostile template: they may crash, hang and take all memory.
// Errors: kCorrupt (minja cannot read it). Of the function: kInvalidArgument (the template
// refuses the messages), kCorrupt.
Result<std::function<Result<std::string>(std::string_view chat)>> parse_minja_template(const std::string& source,
                                                                                       const std::string& bos_token,
                                                                                       const std::string& eos_token);

// minja strips the white space before every tag at the beginning of a line; with lstrip_blocks
// Jinja does so before {% and {# only. The template with such white space before {{ written so
// that minja keeps it.
std::string keep_expression_indent(std::string_view source);

}  // namespace hyprstream
