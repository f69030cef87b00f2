// Weights as float32 and back, with ggml's own conversions: the same bits as llama-quantize.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/error.hpp"
#include "gguf/gguf_file.hpp"
#include "gguf/tensor_type.hpp"

namespace hyprstream {

// All functions are thread-safe.

// Reads values.size() elements, whole blocks of them, from `blocks`. Errors: kUnsupported (the type
// holds no weights: integers, F64, Q8_1, Q8_K), kInvalidArgument (sizes that do not belong together).
Result<void> dequantize(TensorType type, std::span<const std::byte> blocks, std::span<float> values);

// Reads whole rows of a tensor of 1 or 2 dimensions, from row `first` on. Errors: as dequantize();
// kInvalidArgument (past the last row).
Result<void> dequantize_rows(const GgufTensor& tensor, std::uint64_t first, std::span<float> rows);

// Whether quantize() can make this type. Errors: kUnsupported, naming the type: it holds no weights, or ggml wants
// an importance matrix for it.
Result<void> check_quantizable(TensorType type);

// Writes `values`, rows of `width` elements, as blocks of the type. Without an importance matrix, as
// llama-quantize without one; each block depends on its own elements only. Errors: those of check_quantizable();
// kInvalidArgument (sizes that do not belong together; a value that is not finite or too large for the type).
Result<void> quantize(TensorType type, std::size_t width, std::span<const float> values, std::span<std::byte> blocks);

// What general.quantization_version says of files with these blocks.
std::uint32_t quantization_version() noexcept;

}  // namespace hyprstream
