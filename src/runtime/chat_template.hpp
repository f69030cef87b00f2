// The chat template that a model brings along: Jinja, as Hugging Face's apply_chat_template
// understands it.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "base/error.hpp"
#include "base/sandbox.hpp"
#include "base/sandbox_server.hpp"
#include "runtime/chat.hpp"

namespace hyprstream {

// A template is part of a downloaded file, and Jinja is a programming language: its interpreter
// (minja) runs in processes of its own, with limits, so that a template that recurses, loops or
// allocates without end is an error. The template is parsed once (0.3 ms for ChatML, 30 ms for
// the longest in use); every render is a fork of the process that did it, 0.5 ms.
// Start it before loading a model's weights (base/sandbox_server.hpp says why).
//
// Variables: messages (each with role and content, and where there are any tool_calls, tool_call_id and the
// called function's name), add_generation_prompt, bos_token, eos_token, and `tools` if there are any. A template that
// does not list tools, or has them called in another form than "<tool_call>", gets them as text (tool_prompt.hpp).
// Beyond minja's own functions and filters: raise_exception,
// strftime_now, and the filters first, reverse, replace, capitalize and title. White space as
// Hugging Face sets it: trim_blocks and lstrip_blocks on, one newline at the template's end
// dropped.
//
// Immutable; thread-safe. Copies share the process.
class ChatTemplate {
 public:
  // `source` is the template, `bos_token` and `eos_token` the texts of those tokens (empty:
  // none). `limits` are those of one render; parsing has five times its time.
  // Errors: kCorrupt (not a template that minja can read; the message says where), and the
  // system's of SandboxServer::start().
  static Result<ChatTemplate> create(std::string source, std::string bos_token, std::string eos_token,
                                     const SandboxLimits& limits = {});

  // The same without waiting for the parser: check() and render() do.
  // Errors: the system's of SandboxServer::start().
  static Result<ChatTemplate> start(std::string source, std::string bos_token, std::string eos_token,
                                    const SandboxLimits& limits = {});
  // Errors: kCorrupt, as create().
  Result<void> check() const { return server_->wait_ready(); }

  // The prompt. Valid UTF-8.
  // Errors: kInvalidArgument (no messages, or text that is not UTF-8; a tool whose parameters are no
  // JSON object; or the template refuses the messages: its own words), kCorrupt (the template fails or does not end),
  // and the system's of run_in_sandbox().
  Result<std::string> render(std::span<const ChatMessage> messages, const ChatTemplateOptions& options) const;

  const std::string& source() const noexcept { return source_; }

 private:
  ChatTemplate() = default;
  Result<std::string> render_as_is(std::span<const ChatMessage> messages, const ChatTemplateOptions& options) const;

  std::string source_;
  std::string bos_token_;
  std::string eos_token_;
  bool writes_tool_calls_ = false;
  SandboxLimits limits_;
  std::shared_ptr<SandboxServer> server_;
};

}  // namespace hyprstream
