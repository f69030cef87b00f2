#include "runtime/logprobs.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace hyprstream {

TokenScore score_token(std::span<const float> logits, Token chosen, int top) {
  const float largest = std::ranges::max(logits);
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - largest);
  const double log_sum = largest + std::log(sum);
  const auto scored = [&](Token token) {
    return TokenLogprob{token, static_cast<float>(logits[static_cast<std::size_t>(token)] - log_sum)};
  };

  TokenScore score{.chosen = scored(chosen), .top = {}};
  if (top <= 0) return score;
  std::vector<Token> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  const auto count = std::min(static_cast<std::size_t>(top), order.size());
  std::ranges::partial_sort(order, order.begin() + static_cast<std::ptrdiff_t>(count), [&](Token a, Token b) {
    const float x = logits[static_cast<std::size_t>(a)];
    const float y = logits[static_cast<std::size_t>(b)];
    return x != y ? x > y : a < b;
  });
  for (std::size_t i = 0; i < count; ++i) score.top.push_back(scored(order[i]));
  return score;
}

}  // namespace hyprstream
