#include "adapter_engine/adapter_effect.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace hyprstream {
namespace {

constexpr std::size_t kWindow = 512;
constexpr std::size_t kChunk = 32;  // positions a step: two rows of logits each

struct Distribution {
  std::span<const float> logits;
  double log_sum;  // log of the sum of exp(logit)

  explicit Distribution(std::span<const float> row) : logits(row) {
    const float most = *std::ranges::max_element(row);
    double sum = 0;
    for (const float value : row) sum += std::exp(static_cast<double>(value - most));
    log_sum = static_cast<double>(most) + std::log(sum);
  }
  double log_probability(std::size_t token) const { return static_cast<double>(logits[token]) - log_sum; }
  std::ptrdiff_t top() const { return std::ranges::max_element(logits) - logits.begin(); }
};

// Sums; measure_effect() makes means of them.
void add_position(const Distribution& from, const Distribution& to, AdapterEffect& sums) {
  double change = 0;
  double divergence = 0;
  for (std::size_t token = 0; token < from.logits.size(); ++token) {
    change += std::abs(static_cast<double>(to.logits[token]) - static_cast<double>(from.logits[token]));
    const double log_p = from.log_probability(token);
    divergence += std::exp(log_p) * (log_p - to.log_probability(token));
  }
  ++sums.positions;
  sums.top_changed += from.top() != to.top() ? 1 : 0;
  sums.mean_logit_change += change / static_cast<double>(from.logits.size());
  sums.kl_divergence += std::max(0.0, divergence);
}

Result<void> add_window(LoraEngine& engine, std::span<const Token> window, const AdapterList& from,
                        const AdapterList& to, AdapterEffect& sums) {
  HYPRSTREAM_ASSIGN(const auto before, ScopedSequence::open(engine));
  HYPRSTREAM_ASSIGN(const auto after, ScopedSequence::open(engine));
  HYPRSTREAM_TRY(engine.set_adapters(before.id(), from));
  HYPRSTREAM_TRY(engine.set_adapters(after.id(), to));
  std::vector<std::int32_t> outputs(kChunk);
  for (std::size_t i = 0; i < kChunk; ++i) outputs[i] = static_cast<std::int32_t>(i);
  for (std::size_t begin = 0; begin < window.size(); begin += kChunk) {
    const auto chunk = window.subspan(begin, std::min(kChunk, window.size() - begin));
    const auto wanted = std::span<const std::int32_t>(outputs).first(chunk.size());
    const std::vector<StepInput> inputs = {{before.id(), chunk, wanted}, {after.id(), chunk, wanted}};
    HYPRSTREAM_ASSIGN(const auto step, engine.step(inputs));
    for (std::size_t i = 0; i < chunk.size(); ++i) {
      const Distribution first(step.logits[i]);
      const Distribution second(step.logits[chunk.size() + i]);
      add_position(first, second, sums);
      if (begin + i + 1 == window.size()) continue;
      const auto next = static_cast<std::size_t>(window[begin + i + 1]);
      ++sums.predictions;
      sums.loss_from -= first.log_probability(next);
      sums.loss_to -= second.log_probability(next);
    }
  }
  return {};
}

}  // namespace

double AdapterEffect::perplexity_from() const noexcept { return std::exp(loss_from); }
double AdapterEffect::perplexity_to() const noexcept { return std::exp(loss_to); }

Result<AdapterEffect> measure_effect(LoraEngine& engine, std::span<const Token> text, const AdapterList& from,
                                     const AdapterList& to, const EffectProgress& progress) {
  if (text.empty()) return fail(ErrorCode::kInvalidArgument, "there is no text to measure an adapter's effect on");
  // Both sequences share the context.
  const auto half = static_cast<std::size_t>(engine.options().context_length / 2);
  const std::size_t window = std::max<std::size_t>(1, std::min(kWindow, half));
  AdapterEffect effect;
  for (std::size_t begin = 0; begin < text.size(); begin += window) {
    HYPRSTREAM_TRY(add_window(engine, text.subspan(begin, std::min(window, text.size() - begin)), from, to, effect));
    if (progress) progress(static_cast<float>(std::min(begin + window, text.size())) / static_cast<float>(text.size()));
  }
  const auto positions = static_cast<double>(effect.positions);
  effect.mean_logit_change /= positions;
  effect.kl_divergence /= positions;
  if (effect.predictions > 0) {
    effect.loss_from /= static_cast<double>(effect.predictions);
    effect.loss_to /= static_cast<double>(effect.predictions);
  }
  return effect;
}

}  // namespace hyprstream
