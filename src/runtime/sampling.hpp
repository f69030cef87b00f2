// How the next token is chosen from the logits.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "runtime/sequence.hpp"

namespace hyprstream {

struct LogitBias {
  Token token = 0;
  float bias = 0;  // added to the token's logit; -infinity forbids it
};

// Defaults are llama.cpp's.
struct SamplingParams {
  float temperature = 0.8F;         // >= 0; 0: greedy, the most likely token
  int top_k = 40;                   // keep the k most likely; 0: all
  float top_p = 0.95F;              // (0, 1]: keep the smallest set with this much probability; 1: all
  float min_p = 0.05F;              // [0, 1]: drop what is less likely than this share of the best; 0: none
  float repetition_penalty = 1.0F;  // > 0; 1: off
  float frequency_penalty = 0.0F;   // per earlier occurrence; 0: off
  float presence_penalty = 0.0F;    // once per token seen; 0: off
  int penalty_last_n = 64;          // tokens that the penalties look back on; 0: off, -1: the whole context
  std::vector<LogitBias> logit_bias;
  std::optional<std::uint32_t> seed;  // unset: a random one
  std::string grammar;                // GBNF with the root rule `root`; empty: none
};

// kInvalidArgument naming the first field that is out of range.
Result<void> validate(const SamplingParams& params);

// The sampler of one sequence; holds its random state and the tokens it has seen.
// Not thread-safe. Belongs to the engine that made it and must not outlive it.
class Sampler {
 public:
  virtual ~Sampler() = default;

  // Takes note of a token that the sequence got from elsewhere: the prompt, for the penalties.
  // A grammar is not advanced by it.
  virtual void accept_prompt(Token token) = 0;

  // Chooses the next token from one row of logits [vocabulary] and takes note of it.
  // Errors: kInternal (no candidate is left, for example NaN logits or a grammar at its end).
  virtual Result<Token> sample(std::span<const float> logits) = 0;

  // The seed in use.
  virtual std::uint32_t seed() const noexcept = 0;
};

}  // namespace hyprstream
