// How likely the model held a token to be, before sampling changed anything.
#pragma once

#include <span>
#include <vector>

#include "runtime/sequence.hpp"

namespace hyprstream {

struct TokenLogprob {
  Token token = 0;
  float logprob = 0;  // natural logarithm of its probability: log softmax of the model's own logits
};

// A generated token, and the most likely ones at its place.
struct TokenScore {
  TokenLogprob chosen;
  std::vector<TokenLogprob> top;  // most likely first; of equal ones the lower token first
};

// `logits`: one row [vocabulary]; `top`: how many alternatives, at most the vocabulary.
TokenScore score_token(std::span<const float> logits, Token chosen, int top);

}  // namespace hyprstream
