// Random weights, made directly in a tensor's own format.
#pragma once

#include <cstddef>
#include <vector>

#include "base/split_mix.hpp"
#include "gguf/tensor_type.hpp"

namespace hyprstream {

// Whether random_weights() can make this type.
bool can_be_random(TensorType type) noexcept;

// Appends at least one block and at most about `bytes` bytes, whole blocks only, of weights with
// mean near 0 and this standard deviation. `type` must be one that can_be_random() accepts.
void append_random_weights(TensorType type, float deviation, std::size_t bytes, SplitMix64& random,
                           std::vector<std::byte>& out);

}  // namespace hyprstream
