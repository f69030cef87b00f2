#include "grammar_driver.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <random>
#include <vector>

#include "runtime/engine.hpp"
#include "runtime/llama_cpp_engine.hpp"

namespace hyprstream::testing_support {
namespace {

// Loaded once for all tests of this process.
RuntimeEngine& engine() {
  static const auto kEngine = [] {
    EngineOptions options;
    options.model_path = HYPRSTREAM_SOURCE_DIR "/models/hypr-tiny-q8_0.gguf";
    options.context_length = 1024;
    options.threads = 1;
    auto created = LlamaCppEngine::create(options);
    if (!created) {
      std::cerr << "cannot load the test model: " << created.error().message << '\n';
      std::exit(1);
    }
    return std::move(*created);
  }();
  return *kEngine;
}

std::size_t vocabulary() { return static_cast<std::size_t>(engine().model_info().vocabulary_size); }

SamplingParams params(const std::string& grammar, float temperature, std::uint32_t seed) {
  SamplingParams result;
  result.temperature = temperature;
  result.top_k = 0;
  result.top_p = 1;
  result.min_p = 0;
  result.seed = seed;
  result.grammar = grammar;
  return result;
}

Token end_token() {
  for (Token token = 0; token < static_cast<Token>(vocabulary()); ++token)
    if (engine().is_end_of_generation(token)) return token;
  std::abort();
}

}  // namespace

bool parses(const std::string& grammar) {
  const auto sampler = engine().make_sampler(params(grammar, 0, 1));
  if (!sampler) ADD_FAILURE() << sampler.error().message << "\n" << grammar;
  return sampler.has_value();
}

bool accepts(const std::string& grammar, std::string_view text) {
  auto sampler = engine().make_sampler(params(grammar, 0, 1));
  if (!sampler) {
    ADD_FAILURE() << sampler.error().message << "\n" << grammar;
    return false;
  }
  auto tokens = engine().tokenize(text, {.add_special = false, .parse_special = false}).value();
  tokens.push_back(end_token());
  std::vector<float> logits(vocabulary(), -INFINITY);
  for (const Token token : tokens) {
    logits[static_cast<std::size_t>(token)] = 1;
    if ((*sampler)->sample(logits) != token) return false;
    logits[static_cast<std::size_t>(token)] = -INFINITY;
  }
  return true;
}

std::optional<std::string> wander(const std::string& grammar, std::uint32_t seed, int most_tokens) {
  auto sampler = engine().make_sampler(params(grammar, 1, seed)).value();
  std::mt19937 random(seed);
  std::normal_distribution<float> noise(0, 3);
  std::vector<float> bonus(vocabulary(), 0);
  for (std::size_t token = 0; token < bonus.size(); ++token) {
    const auto bytes = engine().token_bytes(static_cast<Token>(token), false);
    if (engine().is_end_of_generation(static_cast<Token>(token)))
      bonus[token] = 12;
    else if (bytes == "\"" || bytes == "]" || bytes == "}")
      bonus[token] = 9;
  }
  std::vector<Token> tokens;
  std::vector<float> logits(vocabulary());
  while (static_cast<int>(tokens.size()) < most_tokens) {
    for (std::size_t i = 0; i < logits.size(); ++i) logits[i] = noise(random) + bonus[i];
    const auto token = sampler->sample(logits);
    if (!token) {
      ADD_FAILURE() << token.error().message << " after '" << engine().detokenize(tokens, false) << "' of\n" << grammar;
      return std::nullopt;
    }
    if (engine().is_end_of_generation(*token)) return engine().detokenize(tokens, false);
    tokens.push_back(*token);
  }
  return std::nullopt;
}

std::optional<std::string> generate(const std::string& grammar, std::uint32_t seed, int most_tokens) {
  GenerationRequest request;
  request.prompt = "The answer as JSON: ";
  request.max_tokens = most_tokens;
  request.sampling = params(grammar, 1.5F, seed);
  const auto result = engine().generate(request, {});
  if (!result) {
    ADD_FAILURE() << result.error().message << "\n" << grammar;
    return std::nullopt;
  }
  if (result->finish_reason != FinishReason::kEndOfGeneration) return std::nullopt;
  return result->text;
}

}  // namespace hyprstream::testing_support
