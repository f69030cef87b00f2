#include "runtime/llama_sampler.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <format>
#include <limits>
#include <random>
#include <utility>
#include <vector>

#include "base/c_handle.hpp"
#include "runtime/llama_backend.hpp"

namespace hyprstream {
namespace {

using SamplerHandle = CHandle<llama_sampler, llama_sampler_free>;

void append(llama_sampler* chain, llama_sampler* stage) { llama_sampler_chain_add(chain, stage); }

bool has_penalties(const SamplingParams& params) {
  return params.penalty_last_n != 0 &&
         (params.repetition_penalty != 1 || params.frequency_penalty != 0 || params.presence_penalty != 0);
}

class LlamaSampler final : public Sampler {
 public:
  LlamaSampler(SamplerHandle chain, SamplerHandle grammar, bool plain_greedy, std::uint32_t seed)
      : chain_(std::move(chain)), grammar_(std::move(grammar)), plain_greedy_(plain_greedy), seed_(seed) {}

  void accept_prompt(Token token) override { llama_sampler_accept(chain_.get(), token); }

  Result<Token> sample(std::span<const float> logits) override try {
    Token token = plain_greedy_ ? argmax(logits) : choose(logits, false);
    if (grammar_ != nullptr && !grammar_allows(token)) token = choose(logits, true);
    if (token < 0)
      return fail(ErrorCode::kInternal, "no token can follow: the logits are not numbers, or the grammar allows none");
    llama_sampler_accept(chain_.get(), token);
    if (grammar_ != nullptr) llama_sampler_accept(grammar_.get(), token);
    return token;
  } catch (const std::exception& error) {
    return fail(ErrorCode::kInternal, std::string("sampling failed: ") + error.what());
  }

  std::uint32_t seed() const noexcept override { return seed_; }

 private:
  // Runs the chain over the whole vocabulary; -1 if nothing is left.
  Token choose(std::span<const float> logits, bool with_grammar) {
    candidates_.resize(logits.size());
    for (std::size_t i = 0; i < logits.size(); ++i)
      candidates_[i] = {.id = static_cast<llama_token>(i), .logit = logits[i], .p = 0};
    llama_token_data_array array{candidates_.data(), candidates_.size(), -1, false};
    if (with_grammar) {
      llama_sampler_apply(grammar_.get(), &array);
      const bool any = std::ranges::any_of(candidates_, [](const auto& c) { return c.logit > -INFINITY; });
      if (!any) return -1;
    }
    llama_sampler_apply(chain_.get(), &array);
    if (array.selected < 0 || array.selected >= static_cast<std::int64_t>(array.size)) return -1;
    const auto& selected = array.data[array.selected];
    return std::isnan(selected.logit) || selected.logit == -INFINITY ? -1 : selected.id;
  }

  // Asking about one token is far cheaper than filtering the vocabulary, and mostly it is allowed.
  bool grammar_allows(Token token) {
    if (token < 0) return false;
    llama_token_data candidate{.id = token, .logit = 1, .p = 0};
    llama_token_data_array array{&candidate, 1, -1, false};
    llama_sampler_apply(grammar_.get(), &array);
    return candidate.logit > -INFINITY;
  }

  SamplerHandle chain_;
  SamplerHandle grammar_;  // may be null
  bool plain_greedy_;      // temperature 0 and nothing that changes logits: no need to build candidates
  std::uint32_t seed_;
  std::vector<llama_token_data> candidates_;
};

Result<SamplerHandle> make_grammar(const llama_vocab* vocab, const std::string& grammar) {
  if (grammar.empty()) return SamplerHandle();
  const LlamaErrorCapture capture;
  SamplerHandle sampler(llama_sampler_init_grammar(vocab, grammar.c_str(), "root"));
  if (sampler == nullptr)
    return fail(ErrorCode::kInvalidArgument,
                "the grammar does not parse as GBNF with a rule 'root': " + capture.first_error());
  return sampler;
}

}  // namespace

Token argmax(std::span<const float> logits) noexcept {
  // Lanes side by side, so that the compiler uses vector maxima; `a > b ? a : b` skips NaN in a.
  constexpr std::size_t kLanes = 32;
  std::array<float, kLanes> best;
  best.fill(-INFINITY);
  std::size_t i = 0;
  for (; i + kLanes <= logits.size(); i += kLanes)
    for (std::size_t lane = 0; lane < kLanes; ++lane)
      best[lane] = logits[i + lane] > best[lane] ? logits[i + lane] : best[lane];
  for (; i < logits.size(); ++i) best[0] = logits[i] > best[0] ? logits[i] : best[0];
  const float largest = *std::ranges::max_element(best);
  if (largest == -INFINITY) return -1;
  return static_cast<Token>(std::ranges::find(logits, largest) - logits.begin());
}

Result<std::unique_ptr<Sampler>> make_llama_sampler(const llama_vocab* vocab, const SamplingParams& params,
                                                    int context_length) {
  const int vocabulary = llama_vocab_n_tokens(vocab);
  std::vector<llama_logit_bias> biases;
  for (const auto& bias : params.logit_bias) {
    if (bias.token < 0 || bias.token >= vocabulary)
      return fail(ErrorCode::kInvalidArgument,
                  std::format("logit_bias names token {}, and the vocabulary has {}", bias.token, vocabulary));
    biases.push_back({bias.token, bias.bias});
  }
  HYPRSTREAM_ASSIGN(auto grammar, make_grammar(vocab, params.grammar));

  auto chain_params = llama_sampler_chain_default_params();
  chain_params.no_perf = true;
  SamplerHandle chain(llama_sampler_chain_init(chain_params));
  if (!biases.empty())
    append(chain.get(),
           llama_sampler_init_logit_bias(vocabulary, static_cast<std::int32_t>(biases.size()), biases.data()));
  if (has_penalties(params)) {
    const int last_n = params.penalty_last_n < 0 ? context_length : params.penalty_last_n;
    append(chain.get(), llama_sampler_init_penalties(vocabulary, last_n, params.repetition_penalty,
                                                     params.frequency_penalty, params.presence_penalty));
  }
  const bool plain_greedy = params.temperature == 0 && biases.empty() && !has_penalties(params);
  const std::uint32_t seed = params.seed.value_or(std::random_device{}());
  if (params.temperature == 0) {
    append(chain.get(), llama_sampler_init_greedy());
  } else {
    // llama.cpp's own order; each keeps at least one candidate.
    if (params.top_k > 0) append(chain.get(), llama_sampler_init_top_k(params.top_k));
    if (params.top_p < 1) append(chain.get(), llama_sampler_init_top_p(params.top_p, 1));
    if (params.min_p > 0) append(chain.get(), llama_sampler_init_min_p(params.min_p, 1));
    append(chain.get(), llama_sampler_init_temp(params.temperature));
    append(chain.get(), llama_sampler_init_dist(seed));
  }
  return std::make_unique<LlamaSampler>(std::move(chain), std::move(grammar), plain_greedy, seed);
}

}  // namespace hyprstream
