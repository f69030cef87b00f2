// Tokens and chat templates of a model's vocabulary.
#include <llama.h>

#include <algorithm>
#include <exception>
#include <format>
#include <limits>
#include <utility>

#include "base/utf8.hpp"
#include "runtime/builtin_chat_template.hpp"
#include "runtime/llama_cpp_engine_impl.hpp"

namespace hyprstream {

LlamaText::LlamaText(const llama_model* model, Result<ChatTemplate> chat_template)
    : vocab_(llama_model_get_vocab(model)),
      vocabulary_size_(llama_vocab_n_tokens(vocab_)),
      template_(std::move(chat_template)) {
  const auto is_one_token = [this](std::string_view text) {
    const auto tokens = tokenize(text, {.add_special = false, .parse_special = true});
    return tokens && tokens->size() == 1;
  };
  has_chatml_tokens_ = is_one_token("<|im_start|>") && is_one_token("<|im_end|>");
}

Result<std::vector<Token>> LlamaText::tokenize(std::string_view text, const TokenizeOptions& options) const {
  if (const auto invalid = find_invalid_utf8(text))
    return fail(ErrorCode::kInvalidArgument, std::format("the text is not valid UTF-8 at byte {}", *invalid));
  if (text.size() > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()) / 2)
    return fail(ErrorCode::kInvalidArgument, std::format("a text of {} bytes is too long to tokenize", text.size()));
  // A token is at least a byte, and there are at most a few special ones around the text.
  std::vector<Token> tokens(text.size() + 8);
  for (;;) {
    std::int32_t count = 0;
    try {
      count = llama_tokenize(vocab_, text.data(), static_cast<std::int32_t>(text.size()), tokens.data(),
                             static_cast<std::int32_t>(tokens.size()), options.add_special, options.parse_special);
    } catch (const std::exception& error) {
      return fail(ErrorCode::kInternal, std::string("the text could not be tokenized: ") + error.what());
    }
    if (count >= 0) {
      tokens.resize(static_cast<std::size_t>(count));
      return tokens;
    }
    if (count == std::numeric_limits<std::int32_t>::min())
      return fail(ErrorCode::kInvalidArgument, "the text has too many tokens");
    tokens.resize(static_cast<std::size_t>(-count));
  }
}

std::string LlamaText::token_bytes(Token token, bool special) const {
  if (token < 0 || token >= vocabulary_size_) return {};
  std::string bytes(64, '\0');
  for (;;) {
    const auto length =
        llama_token_to_piece(vocab_, token, bytes.data(), static_cast<std::int32_t>(bytes.size()), 0, special);
    bytes.resize(static_cast<std::size_t>(length < 0 ? -length : length));
    if (length >= 0) return bytes;
  }
}

bool LlamaText::is_end_of_generation(Token token) const noexcept { return llama_vocab_is_eog(vocab_, token); }

std::optional<Token> LlamaText::end_token() const noexcept {
  for (const Token token : {llama_vocab_eot(vocab_), llama_vocab_eos(vocab_)})
    if (token != LLAMA_TOKEN_NULL) return token;
  return std::nullopt;
}

Result<std::string> LlamaText::apply_chat_template(std::span<const ChatMessage> messages,
                                                   const ChatTemplateOptions& options) const {
  if (messages.empty()) return fail(ErrorCode::kInvalidArgument, "a chat needs at least one message");
  for (const auto& message : messages)
    if (const auto invalid = find_invalid_utf8(message.content))
      return fail(ErrorCode::kInvalidArgument,
                  std::format("the {} message is not valid UTF-8 at byte {}", message.role, *invalid));
  if (!template_) {
    if (template_.error().code == ErrorCode::kUnsupported && has_chatml_tokens_)
      return apply_builtin_chat_template("chatml", messages, options);
    return std::unexpected(template_.error());
  }
  auto rendered = template_->render(messages, options);
  // A refusal is the template's answer; one that does not work gets libllama's own version, if it knows it.
  if (rendered || rendered.error().code != ErrorCode::kCorrupt) return rendered;
  if (auto builtin = apply_builtin_chat_template(template_->source(), messages, options)) return builtin;
  return rendered;
}

}  // namespace hyprstream
