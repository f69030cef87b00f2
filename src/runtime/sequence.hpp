// What a step of the engine takes and gives: tokens of many sequences in, logits out.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace hyprstream {

// A token of the model's vocabulary.
using Token = std::int32_t;

// A sequence in the engine's KV cache. Valid from open_sequence() to close_sequence().
enum class SequenceId : std::int32_t {};

// One sequence's part of a step.
struct StepInput {
  SequenceId sequence{};
  // Appended to what the sequence already holds; at least one.
  std::span<const Token> tokens;
  // Offsets into `tokens`, ascending: where logits (and hidden states, if asked for) are wanted.
  // Empty: nowhere, as for all but the last chunk of a prompt.
  std::span<const std::int32_t> outputs;
};

// The wanted rows of a step, in the order of the inputs and of their outputs. The spans point
// into the engine and are valid until its next step.
struct StepOutput {
  std::vector<std::span<const float>> logits;  // [wanted rows][vocabulary]
  std::vector<std::span<const float>> hidden;  // [wanted rows][hidden size]; empty unless asked for
};

}  // namespace hyprstream
