// y += scale * scaling * B * (A * x) on sparse A and B, with the best vector instructions of this
// machine (Highway, chosen at run time).
#pragma once

#include <cstddef>

#include "adapter/lora_adapter.hpp"

namespace hyprstream {

// Columns of x and y that lie beside each other.
struct LoraColumns {
  const float* input = nullptr;  // x: column c at input + c * input_stride, [in]
  float* output = nullptr;       // y: likewise, [out]
  std::size_t input_stride = 0;  // floats
  std::size_t output_stride = 0;
  std::size_t count = 0;
};

// Adds the pair's delta to each column. What a column gets depends on how many there are by rounding only.
// Thread-safe for distinct columns. Many columns need scratch memory: std::bad_alloc ends the program.
void add_lora_delta(const LoraPair& pair, float scale, const LoraColumns& columns) noexcept;

}  // namespace hyprstream
