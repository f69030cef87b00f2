#include "runtime/engine.hpp"

#include <format>

#include "runtime/pooling.hpp"

namespace hyprstream {

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
