#include "runtime/engine.hpp"

#include <cmath>
#include <format>
#include <numeric>

#include "base/utf8.hpp"

namespace hyprstream {

std::string RuntimeEngine::detokenize(std::span<const Token> tokens, bool special) const {
  std::string bytes;
  for (const Token token : tokens) bytes += token_bytes(token, special);
  return replace_invalid_utf8(bytes);
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
  std::vector<std::int32_t> everywhere(tokens.size());
  std::iota(everywhere.begin(), everywhere.end(), 0);
  const StepInput input{sequence.id(), tokens, everywhere};
  HYPRSTREAM_ASSIGN(const auto output, step({&input, 1}, /*want_hidden=*/true));

  std::vector<double> sum(output.hidden.front().size(), 0.0);
  for (const auto& row : output.hidden)
    for (std::size_t i = 0; i < row.size(); ++i) sum[i] += static_cast<double>(row[i]);
  const double length = std::sqrt(std::inner_product(sum.begin(), sum.end(), sum.begin(), 0.0));
  std::vector<float> embedding(sum.size(), 0.0F);
  if (length > 0)
    for (std::size_t i = 0; i < sum.size(); ++i) embedding[i] = static_cast<float>(sum[i] / length);
  return embedding;
}

}  // namespace hyprstream
