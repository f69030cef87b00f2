// The chat template that a model brings along: Jinja, as Hugging Face's apply_chat_template
// understands it.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/sandbox.hpp"
#include "runtime/chat.hpp"

namespace hyprstream {

// A template is part of a downloaded file, and Jinja is a programming language: the template
// interpreter (minja) is only ever run in a child process with limits (base/sandbox.hpp), so that
// a template that recurses, loops or allocates without end is an error.
//
// Variables: messages (each with role and content), add_generation_prompt, bos_token, eos_token;
// `tools` is not defined. Beyond minja's own functions and filters: raise_exception,
// strftime_now, and the filters first, reverse, replace, capitalize and title. White space as
// Hugging Face sets it: trim_blocks and lstrip_blocks on, one newline at the template's end dropped.
//
// Immutable; thread-safe.
class ChatTemplate {
 public:
  // `source` is the template, `bos_token` and `eos_token` the texts of those tokens (empty: none).
  // `limits` hold for each later render, too.
  // Errors: kCorrupt (not a template that minja can read; the message says where), and the
  // system's of run_in_sandbox.
  static Result<ChatTemplate> create(std::string source, std::string bos_token, std::string eos_token,
                                     const SandboxLimits& limits = {});

  // The prompt. Valid UTF-8.
  // Errors: kInvalidArgument (no messages, or text that is not UTF-8; or the template refuses the
  // messages: its own words), kCorrupt (the template fails or does not end), and the system's of
  // run_in_sandbox.
  Result<std::string> render(std::span<const ChatMessage> messages, const ChatTemplateOptions& options) const;

  const std::string& source() const noexcept { return source_; }

 private:
  ChatTemplate(std::string source, std::string bos_token, std::string eos_token, const SandboxLimits& limits)
      : source_(std::move(source)),
        bos_token_(std::move(bos_token)),
        eos_token_(std::move(eos_token)),
        limits_(limits) {}

  std::string source_;
  std::string bos_token_;
  std::string eos_token_;
  SandboxLimits limits_;
};

}  // namespace hyprstream
