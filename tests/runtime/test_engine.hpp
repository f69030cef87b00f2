// Engines on the bundled model for the tests of this folder.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runtime/engine.hpp"
#include "runtime/llama_cpp_engine.hpp"

namespace hyprstream::testing_support {

// The shipped model (Q8_0), as a user gets it.
EngineOptions bundled_options();

// The bundled model in float32 with everything that changes floating-point results fixed: F32 KV
// cache, no flash attention, two threads.
EngineOptions exact_options();

// Fails the test and ends the process if the model does not load.
std::unique_ptr<RuntimeEngine> load(const EngineOptions& options);

std::vector<Token> tokens_of(const RuntimeEngine& engine, std::string_view text);

// Evaluates `tokens` in a sequence of its own: one row of logits per wanted offset.
std::vector<std::vector<float>> logits_alone(RuntimeEngine& engine, std::span<const Token> tokens,
                                             std::span<const std::int32_t> outputs);

float max_difference(std::span<const float> a, std::span<const float> b);

// The difference between the largest and the second largest logit.
float top_two_gap(std::span<const float> logits);

// Texts of many lengths in the bundled model's small world.
const std::vector<std::string>& prompts();

}  // namespace hyprstream::testing_support
