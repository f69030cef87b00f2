// Examples side by side: what is evaluated at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "runtime/sequence.hpp"
#include "training/training_example.hpp"

namespace hyprstream {

// An example's columns among those of the pass.
struct ColumnRange {
  std::size_t begin = 0;
  std::size_t length = 0;
};

struct TokenPass {
  std::size_t columns = 0;              // a multiple of kColumnBlock; those past the last example hold nothing
  std::vector<Token> tokens;            // [columns]; -1 where there is none
  std::vector<ColumnRange> examples;    // in the order of the columns
  std::vector<std::size_t> predicting;  // columns whose next token the loss counts, ascending
  std::vector<std::int32_t> targets;    // [predicting], that token

  std::size_t longest() const noexcept;  // example
};

// `examples` are those to be evaluated together, in order.
TokenPass make_token_pass(std::span<const TrainingExample> examples);

// Divides a micro-batch: consecutive examples of at most `most_tokens` together, but at least one each.
std::vector<std::span<const TrainingExample>> divide_examples(std::span<const TrainingExample> examples,
                                                              std::size_t most_tokens);

// Tokens that the loss counts.
std::size_t count_targets(const TrainingExample& example) noexcept;

}  // namespace hyprstream
