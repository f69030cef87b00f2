// y += scale * scaling * B * (A * x) on sparse A and B, with the best vector instructions of this machine.
#pragma once

#include <cstddef>
#include <span>

#include "adapter/lora_adapter.hpp"

namespace hyprstream {

// One use of a pair in a batch: the columns of x and y that it acts on.
struct LoraColumns {
  const float* input = nullptr;  // x: column c at input + c * input_stride, [in]
  float* output = nullptr;       // y: likewise, [out]
  std::size_t input_stride = 0;  // floats
  std::size_t output_stride = 0;
};

// Adds the pair's delta to each of the `columns`. Thread-safe for distinct columns. Each column is
// computed on its own: its result does not depend on the others.
void add_lora_delta(const LoraPair& pair, float scale, const LoraColumns& matrix,
                    std::span<const std::size_t> columns) noexcept;

}  // namespace hyprstream
