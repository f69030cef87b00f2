// A hook on the outputs of a model's linear layers: what adapters act through.
//
// While llama.cpp evaluates a step, each product y = W x of a target weight is handed to the
// hook as soon as it is computed and before anything reads it; the hook may change y in place,
// column by column. Every column says whose token it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "runtime/sequence.hpp"

namespace hyprstream {

// The linear layers of a transformer block that adapters target, under PEFT's names.
enum class LinearModule : std::uint8_t { kQ, kK, kV, kO, kGate, kUp, kDown };
inline constexpr std::size_t kLinearModuleCount = 7;

// "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj".
std::string_view linear_module_name(LinearModule module) noexcept;
std::optional<LinearModule> parse_linear_module(std::string_view name) noexcept;

// One target weight of the model.
struct LinearId {
  int layer = 0;
  LinearModule module = LinearModule::kQ;

  friend bool operator==(const LinearId&, const LinearId&) = default;
};

// "blk.3.attn_q.weight" <-> {3, kQ}; nothing for any other tensor.
std::string_view gguf_linear_name(LinearModule module) noexcept;  // "attn_q", ...
std::string linear_weight_name(LinearId id);
std::optional<LinearId> parse_linear_weight_name(std::string_view tensor_name) noexcept;

// The token that one column belongs to.
struct LinearColumn {
  SequenceId sequence;
  std::int32_t position = 0;  // in its sequence, from 0
};

// A share of one evaluated product's columns. Rows of `input` and `output` are tokens: column c of y lies at
// output[c * output_stride], x of the same token at input[c * input_stride].
struct LinearOutput {
  LinearId id;
  std::span<const LinearColumn> columns;
  const float* input = nullptr;  // [columns x in]
  float* output = nullptr;       // [columns x out]
  std::size_t in = 0;
  std::size_t out = 0;
  std::size_t input_stride = 0;  // floats from one token to the next
  std::size_t output_stride = 0;
};

class LinearHook {
 public:
  virtual ~LinearHook() = default;

  // Whether the step in progress needs this layer's output. Asked for every target weight in every
  // step, on the thread that runs RuntimeEngine::step().
  virtual bool wants(LinearId id) const noexcept = 0;

  // Called for each wanted product, once or, on several threads of the engine at once, for some of its
  // columns each. Must not throw: llama.cpp would skip the rest of the graph and still report success.
  virtual void on_linear_output(const LinearOutput& linear) noexcept = 0;
};

}  // namespace hyprstream
