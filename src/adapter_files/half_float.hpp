// 16-bit floating-point numbers as float32; every one of them has an exact value there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/error.hpp"
#include "gguf/tensor_type.hpp"

namespace hyprstream {

float half_to_float(std::uint16_t bits) noexcept;      // IEEE 754 binary16
float bfloat16_to_float(std::uint16_t bits) noexcept;  // the upper half of a float32

// The values of a little-endian F32, F16 or BF16 array. Errors: kUnsupported (another type), kCorrupt (the bytes
// are not a whole number of values).
Result<std::vector<float>> floats_of(TensorType type, std::span<const std::byte> bytes);

}  // namespace hyprstream
