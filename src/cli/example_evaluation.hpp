// How well a model with adapters predicts, and writes, what examples say.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "adapter_engine/adapter_list.hpp"
#include "adapter_engine/lora_engine.hpp"
#include "base/error.hpp"
#include "training/training_example.hpp"
#include "training_data/example_text.hpp"

namespace hyprstream {

// Called with the share done, 0 to 1; false ends it.
using EvaluationProgress = std::function<bool(float)>;

struct ExampleLosses {
  std::size_t target_tokens = 0;
  double from = 0;  // mean over the target tokens, nats
  double to = 0;
};

// The loss under both lists of adapters, side by side in one batch. The engine needs two free sequences.
// Errors: those of step(); kCancelled.
Result<ExampleLosses> measure_losses(LoraEngine& engine, std::span<const TrainingExample> examples,
                                     const AdapterList& from, const AdapterList& to,
                                     const EvaluationProgress& progress);

// What the model answers to each prompt, always with the most likely token, until it ends or `max_tokens`; `parallel`
// texts at a time, which is how many free sequences the engine needs. Errors: those of encode_prompt() and step();
// kCancelled.
Result<std::vector<std::string>> answer_prompts(LoraEngine& engine, std::span<const ExampleText> examples,
                                                const AdapterList& adapters, std::size_t max_tokens,
                                                std::size_t parallel, const EvaluationProgress& progress);

}  // namespace hyprstream
