#include "cli/chat_session.hpp"

#include <algorithm>
#include <format>
#include <utility>

namespace hyprstream {

Result<ChatSession> ChatSession::create(RuntimeEngine& engine) {
  HYPRSTREAM_ASSIGN(auto sequence, ScopedSequence::open(engine));
  return ChatSession(engine, std::move(sequence));
}

ChatSession::ChatSession(RuntimeEngine& engine, ScopedSequence sequence)
    : engine_(&engine), sequence_(std::move(sequence)) {}

void ChatSession::restart(std::string system) {
  // The sequence stays: the next prompt may well begin like the last.
  system_ = std::move(system);
  messages_.clear();
}

Result<void> ChatSession::keep_common_prefix(const std::vector<Token>& prompt) {
  const auto [end, ignored] = std::ranges::mismatch(held_, prompt);
  // The last token is always computed: its logits are what comes next.
  auto common = std::min<std::size_t>(end - held_.begin(), prompt.size() - 1);
  auto cut = engine_->truncate_sequence(sequence_.id(), static_cast<int>(common));
  if (!cut && cut.error().code == ErrorCode::kUnsupported) {
    // A recurrent state cannot be wound back: begin again.
    common = 0;
    cut = engine_->truncate_sequence(sequence_.id(), 0);
  }
  HYPRSTREAM_TRY(cut);
  held_.resize(common);
  return {};
}

Result<GenerationResult> ChatSession::ask(std::string message, GenerationRequest options,
                                          const TokenCallback& callback) {
  std::vector<ChatMessage> messages;
  if (!system_.empty()) messages.push_back({.role = "system", .content = system_});
  messages.append_range(messages_);
  messages.push_back({.role = "user", .content = message});
  HYPRSTREAM_ASSIGN(options.prompt_tokens, tokenize_chat(*engine_, messages, {.add_generation_prompt = true}));
  const auto& prompt = options.prompt_tokens;
  if (prompt.empty()) return fail(ErrorCode::kInvalidArgument, "the prompt is empty");
  const int context = engine_->options().context_length;
  if (!messages_.empty() && std::ssize(prompt) >= context)
    return fail(ErrorCode::kResourceExhausted,
                std::format("with this message the conversation is {} tokens long, and the context holds {}",
                            prompt.size(), context));
  HYPRSTREAM_TRY(keep_common_prefix(prompt));
  options.sequence = sequence_.id();
  auto result = engine_->generate(options, callback);
  // Whatever became of it, the sequence holds a beginning of the prompt and the answer.
  held_ = prompt;
  if (result) held_.append_range(result->tokens);
  held_.resize(static_cast<std::size_t>(engine_->sequence_length(sequence_.id())));
  if (!result) return result;
  if (result->finish_reason == FinishReason::kCancelled && result->text.empty()) return result;
  messages_.push_back({.role = "user", .content = std::move(message)});
  messages_.push_back({.role = "assistant", .content = result->text});
  return result;
}

}  // namespace hyprstream
