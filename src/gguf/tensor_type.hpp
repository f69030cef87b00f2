// The element types of GGUF tensors: ggml's numbers, names and block sizes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace hyprstream {

enum class TensorType : std::uint32_t {
  kF32 = 0,
  kF16 = 1,
  kQ4_0 = 2,
  kQ4_1 = 3,
  // 4 and 5 (Q4_2, Q4_3) were removed from the format.
  kQ5_0 = 6,
  kQ5_1 = 7,
  kQ8_0 = 8,
  kQ8_1 = 9,
  kQ2_K = 10,
  kQ3_K = 11,
  kQ4_K = 12,
  kQ5_K = 13,
  kQ6_K = 14,
  kQ8_K = 15,
  kIQ2_XXS = 16,
  kIQ2_XS = 17,
  kIQ3_XXS = 18,
  kIQ1_S = 19,
  kIQ4_NL = 20,
  kIQ3_S = 21,
  kIQ2_S = 22,
  kIQ4_XS = 23,
  kI8 = 24,
  kI16 = 25,
  kI32 = 26,
  kI64 = 27,
  kF64 = 28,
  kIQ1_M = 29,
  kBF16 = 30,
  // 31 to 33 and 36 to 38 (weights repacked in the file) were removed from the format.
  kTQ1_0 = 34,
  kTQ2_0 = 35,
  kMXFP4 = 39,
  kNVFP4 = 40,
  kQ1_0 = 41,
  kQ2_0 = 42,
};

// Nothing for a number that is no type, or was removed from the format.
std::optional<TensorType> tensor_type_from_number(std::uint32_t number) noexcept;

// Of its name, in capitals or not. Nothing for another text.
std::optional<TensorType> tensor_type_from_name(std::string_view name) noexcept;

// As users know it: "F32", "Q4_K", ...
std::string_view tensor_type_name(TensorType type) noexcept;

// A row is stored in blocks of this many elements; 1 if the type is not quantized.
std::uint64_t block_elements(TensorType type) noexcept;
std::uint64_t block_bytes(TensorType type) noexcept;

// Elements of a tensor; 1 for no dimensions. Nothing if the product passes 2^63 - 1.
std::optional<std::uint64_t> tensor_elements(std::span<const std::uint64_t> shape) noexcept;

// Bytes of a tensor, `shape` with the contiguous dimension first. Nothing if a row is not a whole
// number of blocks, or if the size passes 2^63 - 1.
std::optional<std::uint64_t> tensor_bytes(TensorType type, std::span<const std::uint64_t> shape) noexcept;

}  // namespace hyprstream
