#include "test_engine.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iostream>

namespace hyprstream::testing_support {

EngineOptions bundled_options() {
  EngineOptions options;
  options.model_path = HYPRSTREAM_SOURCE_DIR "/models/hypr-tiny-q8_0.gguf";
  options.context_length = 1024;
  options.max_sequences = 8;
#ifdef __SANITIZE_THREAD__
  options.threads = 1;  // ThreadSanitizer does not see libgomp's barriers: every step of two would be a race
#else
  options.threads = 2;
#endif
  return options;
}

EngineOptions exact_options() {
  auto options = bundled_options();
  options.model_path = HYPRSTREAM_F32_MODEL;
  options.kv_cache_type = KvCacheType::kF32;
  options.deterministic = true;
  return options;
}

std::unique_ptr<RuntimeEngine> load(const EngineOptions& options) {
  auto engine = LlamaCppEngine::create(options);
  if (!engine) {
    std::cerr << "cannot load the test model: " << engine.error().message << '\n';
    std::exit(1);
  }
  return std::move(*engine);
}

std::vector<Token> tokens_of(const RuntimeEngine& engine, std::string_view text) {
  auto tokens = engine.tokenize(text, {.add_special = true, .parse_special = true});
  return tokens ? *tokens : std::vector<Token>();
}

std::vector<std::vector<float>> logits_alone(RuntimeEngine& engine, std::span<const Token> tokens,
                                             std::span<const std::int32_t> outputs) {
  const auto sequence = ScopedSequence::open(engine);
  if (!sequence) return {};
  const StepInput input{sequence->id(), tokens, outputs};
  const auto output = engine.step({&input, 1});
  if (!output) return {};
  std::vector<std::vector<float>> rows;
  for (const auto row : output->logits) rows.emplace_back(row.begin(), row.end());
  return rows;
}

float max_difference(std::span<const float> a, std::span<const float> b) {
  if (a.size() != b.size()) return INFINITY;
  float largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const float difference = std::abs(a[i] - b[i]);
    if (!(difference <= largest)) largest = difference;  // NaN counts as a difference
  }
  return largest;
}

float top_two_gap(std::span<const float> logits) {
  float first = -INFINITY;
  float second = -INFINITY;
  for (const float logit : logits) {
    if (logit > first)
      second = std::exchange(first, logit);
    else
      second = std::max(second, logit);
  }
  return first - second;
}

const std::vector<std::string>& prompts() {
  static const std::vector<std::string> kPrompts = {
      "The future of AI is",
      "Hello, I am",
      "Once upon a time, there was a little owl named Coco. She lived in a green valley. Coco was very quiet. One day",
      "The capital of Peru",
      "A",
      "Explain quantum computing in simple terms:",
      "Why is the sky blue? The sky looks blue because air",
      "<|im_start|>user\nWhat is a LoRA adapter?<|im_end|>\n<|im_start|>assistant\n",
  };
  return kPrompts;
}

}  // namespace hyprstream::testing_support
