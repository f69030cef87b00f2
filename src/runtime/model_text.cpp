#include "runtime/model_text.hpp"

#include <utility>

#include "base/utf8.hpp"
#include "gguf/model_check.hpp"
#include "runtime/llama_backend.hpp"
#include "runtime/llama_cpp_engine_impl.hpp"

namespace hyprstream {
namespace {

// LlamaText with the vocabulary it speaks of.
class OpenedText final : public ModelText {
 public:
  OpenedText(LlamaModel model, Result<ChatTemplate> chat_template)
      : model_(std::move(model)), text_(model_.get(), std::move(chat_template)) {}

  Result<std::vector<Token>> tokenize(std::string_view text, const TokenizeOptions& options) const override {
    return text_.tokenize(text, options);
  }
  std::string token_bytes(Token token, bool special) const override { return text_.token_bytes(token, special); }
  bool is_end_of_generation(Token token) const noexcept override { return text_.is_end_of_generation(token); }
  std::optional<Token> end_token() const noexcept override { return text_.end_token(); }
  Result<std::string> apply_chat_template(std::span<const ChatMessage> messages,
                                          const ChatTemplateOptions& options) const override {
    return text_.apply_chat_template(messages, options);
  }

 private:
  LlamaModel model_;
  LlamaText text_;
};

}  // namespace

std::string ModelText::detokenize(std::span<const Token> tokens, bool special) const {
  std::string bytes;
  for (const Token token : tokens) bytes += token_bytes(token, special);
  return replace_invalid_utf8(bytes);
}

Result<std::unique_ptr<ModelText>> open_model_text(const std::filesystem::path& path) {
  HYPRSTREAM_TRY(init_llama_backend());
  HYPRSTREAM_ASSIGN(const auto file, GgufFile::open(path));
  HYPRSTREAM_ASSIGN(const auto info, read_model_info(file));
  HYPRSTREAM_TRY(check_model_file(file));
  auto chat_template = start_chat_template(file, info);
  HYPRSTREAM_ASSIGN(auto model, load_llama_model(path.string(), /*vocabulary_only=*/true, {}));
  return std::make_unique<OpenedText>(std::move(model), std::move(chat_template));
}

Result<std::vector<Token>> tokenize_templated(const ModelText& model, std::string_view text) {
  HYPRSTREAM_ASSIGN(auto plain, model.tokenize(text, {.add_special = false, .parse_special = true}));
  HYPRSTREAM_ASSIGN(auto special, model.tokenize(text, {.add_special = true, .parse_special = true}));
  // Many templates write the BOS token that the tokenizer would add.
  const bool twice = special.size() > plain.size() && special.size() > 1 && special[0] == special[1];
  return twice ? std::move(plain) : std::move(special);
}

Result<std::vector<Token>> tokenize_chat(const ModelText& model, std::span<const ChatMessage> messages,
                                         const ChatTemplateOptions& options) {
  HYPRSTREAM_ASSIGN(const auto text, model.apply_chat_template(messages, options));
  return tokenize_templated(model, text);
}

}  // namespace hyprstream
