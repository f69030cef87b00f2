#include "runtime/engine.hpp"

#include <format>

#include "base/utf8.hpp"
#include "runtime/pooling.hpp"

namespace hyprstream {

std::string RuntimeEngine::detokenize(std::span<const Token> tokens, bool special) const {
  std::string bytes;
  for (const Token token : tokens) bytes += token_bytes(token, special);
  return replace_invalid_utf8(bytes);
}

Result<std::vector<Token>> tokenize_chat(const RuntimeEngine& engine, std::span<const ChatMessage> messages,
                                         const ChatTemplateOptions& options) {
  HYPRSTREAM_ASSIGN(const auto text, engine.apply_chat_template(messages, options));
  HYPRSTREAM_ASSIGN(auto plain, engine.tokenize(text, {.add_special = false, .parse_special = true}));
  HYPRSTREAM_ASSIGN(auto special, engine.tokenize(text, {.add_special = true, .parse_special = true}));
  // Many templates write the BOS token that the tokenizer would add.
  const bool twice = special.size() > plain.size() && special.size() > 1 && special[0] == special[1];
  return twice ? std::move(plain) : std::move(special);
}

Result<ScopedSequence> ScopedSequence::open(RuntimeEngine& engine) {
  HYPRSTREAM_ASSIGN(const auto id, engine.open_sequence());
  return ScopedSequence(engine, id);
}

Result<std::vector<float>> RuntimeEngine::embed(std::span<const Token> tokens) {
  if (tokens.empty()) return fail(ErrorCode::kInvalidArgument, "an embedding needs at least one token");
  if (std::ssize(tokens) > options().context_length)
    return fail(ErrorCode::kInvalidArgument, std::format("the text is {} tokens long, and the context holds {}",
                                                         tokens.size(), options().context_length));
  HYPRSTREAM_ASSIGN(const auto sequence, ScopedSequence::open(*this));
  EmbeddingPool pool(model_info().pooling.value_or(PoolingType::kMean), static_cast<int>(tokens.size()));
  const auto wanted = pool.wanted(0, static_cast<int>(tokens.size()));
  const StepInput input{sequence.id(), tokens, wanted};
  HYPRSTREAM_ASSIGN(const auto output, step({&input, 1}, /*want_hidden=*/true));
  for (const auto& row : output.hidden) pool.add(row);
  return pool.result();
}

}  // namespace hyprstream
