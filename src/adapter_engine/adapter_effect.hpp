// What an adapter does to a model's predictions, measured on a text.
#pragma once

#include <cstddef>
#include <functional>
#include <span>

#include "adapter_engine/adapter_list.hpp"
#include "adapter_engine/lora_engine.hpp"
#include "base/error.hpp"

namespace hyprstream {

// Over all positions of the text, each of which predicts the next token.
struct AdapterEffect {
  std::size_t positions = 0;
  std::size_t top_changed = 0;   // positions whose most likely token is another
  double mean_logit_change = 0;  // mean |difference| of all logits
  double kl_divergence = 0;      // mean of KL(from || to), nats per token
  std::size_t predictions = 0;   // positions whose next token is in the text
  double loss_from = 0;          // mean negative log-likelihood of that token, nats
  double loss_to = 0;

  double perplexity_from() const noexcept;  // exp(loss)
  double perplexity_to() const noexcept;
};

// Called with the share done, 0 to 1.
using EffectProgress = std::function<void(float)>;

// Evaluates the text under both lists, side by side in one batch, in windows of at most 512 tokens and half the
// context. The engine needs two free sequences. Errors: kInvalidArgument (no tokens), and those of step().
Result<AdapterEffect> measure_effect(LoraEngine& engine, std::span<const Token> text, const AdapterList& from,
                                     const AdapterList& to, const EffectProgress& progress = {});

}  // namespace hyprstream
