// The rows of q and k in a GGUF against those of the Hugging Face checkpoint.
//
// Hugging Face's llama rotates row i of a head together with row i + half; ggml's rotates neighbours. So llama.cpp's
// converter interleaves the two halves of each head for some architectures.
// Source: llama.cpp's convert_hf_to_gguf.py (LlamaModel.permute and who calls it).
#pragma once

#include <cstddef>
#include <vector>

#include "adapter/base_model.hpp"
#include "base/error.hpp"

namespace hyprstream {

// order[row in the checkpoint] = row in the GGUF, for a target weight of `rows` rows; empty if both are the same.
// Errors: kUnsupported (the architecture's order is another one; the model does not say how many heads it has, or the
// rows are no whole number of them).
Result<std::vector<std::size_t>> rope_row_order(const BaseModel& base, LinearId id, std::size_t rows);

}  // namespace hyprstream
