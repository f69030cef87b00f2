// What the programs of this folder share.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "runtime/engine.hpp"

namespace hyprstream::bench {

using Clock = std::chrono::steady_clock;

[[noreturn]] inline void give_up(const std::string& message) {
  std::cerr << "bench: " << message << '\n';
  std::exit(1);
}

template <typename T>
T value_of(Result<T> result) {
  if (!result) give_up(result.error().message);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

inline double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// The same tokens every time.
inline std::vector<Token> random_tokens(const RuntimeEngine& engine, int count, unsigned seed = 1) {
  std::mt19937 random(seed);
  std::vector<Token> tokens(static_cast<std::size_t>(count));
  for (auto& token : tokens)
    token = static_cast<Token>(random() % static_cast<unsigned>(engine.model_info().vocabulary_size));
  return tokens;
}

inline std::vector<LinearModule> parse_modules(const std::vector<std::string>& names) {
  std::vector<LinearModule> modules;
  for (const auto& name : names) {
    const auto module = parse_linear_module(name);
    if (!module) give_up("'" + name + "' is no target module");
    modules.push_back(*module);
  }
  return modules;
}

// Evaluates a prompt in an empty sequence and gives the logits of its last token.
inline std::vector<float> prefill(RuntimeEngine& engine, SequenceId sequence, const std::vector<Token>& tokens) {
  const auto last = static_cast<std::int32_t>(tokens.size()) - 1;
  const StepInput input{sequence, tokens, {&last, 1}};
  const auto output = value_of(engine.step({&input, 1}));
  return {output.logits[0].begin(), output.logits[0].end()};
}

// Decodes so many tokens in each sequence, greedily, all side by side in one batch. Returns what was chosen.
inline std::vector<std::vector<Token>> decode(RuntimeEngine& engine, const std::vector<SequenceId>& sequences,
                                              int count) {
  std::vector<Token> next(sequences.size(), 1);
  std::vector<std::vector<Token>> chosen(sequences.size());
  const std::int32_t zero = 0;
  for (int i = 0; i < count; ++i) {
    std::vector<StepInput> inputs;
    for (std::size_t s = 0; s < sequences.size(); ++s) inputs.push_back({sequences[s], {&next[s], 1}, {&zero, 1}});
    const auto output = value_of(engine.step(inputs));
    for (std::size_t s = 0; s < sequences.size(); ++s) {
      next[s] = static_cast<Token>(std::ranges::max_element(output.logits[s]) - output.logits[s].begin());
      chosen[s].push_back(next[s]);
    }
  }
  return chosen;
}

// Kullback-Leibler divergence, in nats.
inline double divergence(const std::vector<float>& from, const std::vector<float>& to) {
  const auto log_sum = [](const std::vector<float>& row) {
    const double most = *std::ranges::max_element(row);
    double sum = 0;
    for (const float value : row) sum += std::exp(static_cast<double>(value) - most);
    return most + std::log(sum);
  };
  const double from_sum = log_sum(from);
  const double to_sum = log_sum(to);
  double sum = 0;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const double log_p = static_cast<double>(from[i]) - from_sum;
    sum += std::exp(log_p) * (log_p - (static_cast<double>(to[i]) - to_sum));
  }
  return sum;
}

}  // namespace hyprstream::bench
