// Text as one model reads it: its tokenizer and its chat template.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "runtime/chat.hpp"
#include "runtime/sequence.hpp"

namespace hyprstream {

struct TokenizeOptions {
  bool add_special = true;     // add the tokens that the model wants around a text, such as BOS
  bool parse_special = false;  // "<|im_end|>" is that token and not text
};

// Const access is thread-safe.
class ModelText {
 public:
  virtual ~ModelText() = default;

  // Errors: kInvalidArgument (not UTF-8; names the offset).
  virtual Result<std::vector<Token>> tokenize(std::string_view text, const TokenizeOptions& options) const = 0;
  // The bytes of one token, which may be part of a character; control tokens are empty unless
  // `special`.
  virtual std::string token_bytes(Token token, bool special) const = 0;
  // Valid UTF-8: bytes that are no character come out as U+FFFD.
  std::string detokenize(std::span<const Token> tokens, bool special) const;
  virtual bool is_end_of_generation(Token token) const noexcept = 0;
  // What ends a text that the model writes; unset if the vocabulary has no such token.
  virtual std::optional<Token> end_token() const noexcept = 0;
  // Errors: kUnsupported (the model has no template), kCorrupt (its template fails or does not
  // end), kInvalidArgument (the template refuses these messages).
  virtual Result<std::string> apply_chat_template(std::span<const ChatMessage> messages,
                                                  const ChatTemplateOptions& options) const = 0;
};

// Of a GGUF, without loading its weights. Errors: as LlamaCppEngine::create().
Result<std::unique_ptr<ModelText>> open_model_text(const std::filesystem::path& path);

// A text as tokens, special tokens in it being that; with one BOS where the template that wrote it and the tokenizer
// would each put one. Errors: those of tokenize().
Result<std::vector<Token>> tokenize_templated(const ModelText& model, std::string_view text);

// A conversation as the model's template writes it, as tokens. Errors: those of apply_chat_template() and tokenize().
Result<std::vector<Token>> tokenize_chat(const ModelText& model, std::span<const ChatMessage> messages,
                                         const ChatTemplateOptions& options);

}  // namespace hyprstream
