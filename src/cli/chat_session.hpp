// A conversation with a model: its messages, and the sequence that holds what was computed.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "runtime/engine.hpp"

namespace hyprstream {

// Only what is new since the last turn is computed. Not thread-safe; must not outlive the engine.
class ChatSession {
 public:
  // Errors: kResourceExhausted (the engine has no sequence left).
  static Result<ChatSession> create(RuntimeEngine& engine);

  // Begins a new conversation, with instructions for the model if `system` is not empty.
  void restart(std::string system);
  const std::string& system() const noexcept { return system_; }

  // Adds a message of the user and generates the answer to it; of `options` everything counts but
  // the prompt. A failure leaves the conversation as it was. So does an answer that was stopped
  // before its first character; one that was stopped later stays, as far as it came.
  // Errors: those of apply_chat_template() and generate(); kResourceExhausted (with this message
  // the conversation does not fit the context any more; names both lengths).
  Result<GenerationResult> ask(std::string message, GenerationRequest options, const TokenCallback& callback);

  // Tokens that the model holds of this conversation.
  int tokens_held() const noexcept { return static_cast<int>(held_.size()); }

 private:
  ChatSession(RuntimeEngine& engine, ScopedSequence sequence);

  // Cuts the sequence back to what it has in common with the prompt, at least a token shorter.
  Result<void> keep_common_prefix(const std::vector<Token>& prompt);

  RuntimeEngine* engine_;
  ScopedSequence sequence_;
  std::string system_;
  std::vector<ChatMessage> messages_;  // without the system message
  std::vector<Token> held_;            // what the sequence holds
};

}  // namespace hyprstream
