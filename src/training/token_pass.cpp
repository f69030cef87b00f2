#include "training/token_pass.hpp"

#include <algorithm>

#include "training/products.hpp"

namespace hyprstream {

std::size_t TokenPass::longest() const noexcept {
  std::size_t most = 0;
  for (const auto& example : examples) most = std::max(most, example.length);
  return most;
}

TokenPass make_token_pass(std::span<const TrainingExample> examples) {
  TokenPass pass;
  for (const auto& example : examples) {
    const std::size_t begin = pass.tokens.size(), length = example.tokens.size();
    pass.examples.push_back({.begin = begin, .length = length});
    pass.tokens.append_range(example.tokens);
    for (std::size_t i = 1; i < length; ++i)
      if (example.is_target[i] != 0) {
        pass.predicting.push_back(begin + i - 1);
        pass.targets.push_back(example.tokens[i]);
      }
  }
  pass.columns = round_up(pass.tokens.size(), kColumnBlock);
  pass.tokens.resize(pass.columns, -1);
  return pass;
}

std::vector<std::span<const TrainingExample>> divide_examples(std::span<const TrainingExample> examples,
                                                              std::size_t most_tokens) {
  std::vector<std::span<const TrainingExample>> parts;
  std::size_t begin = 0, tokens = 0;
  for (std::size_t i = 0; i < examples.size(); ++i) {
    const std::size_t length = examples[i].tokens.size();
    if (i > begin && tokens + length > most_tokens) {
      parts.push_back(examples.subspan(begin, i - begin));
      begin = i;
      tokens = 0;
    }
    tokens += length;
  }
  if (begin < examples.size()) parts.push_back(examples.subspan(begin));
  return parts;
}

std::size_t count_targets(const TrainingExample& example) noexcept {
  const std::span<const std::uint8_t> marks(example.is_target);
  return marks.empty() ? 0 : marks.size() - 1 - static_cast<std::size_t>(std::ranges::count(marks.subspan(1), 0));
}

}  // namespace hyprstream
