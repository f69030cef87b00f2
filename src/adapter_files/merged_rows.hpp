// Rows of W' in a tensor's own format.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "adapter/weight_delta.hpp"
#include "base/error.hpp"
#include "gguf/gguf_file.hpp"
#include "gguf/tensor_type.hpp"

namespace hyprstream {

// One weight W [out x in] with what is added to it. Immutable, const access is thread-safe. Tensor and delta must
// outlive it and have the same shape.
class MergedRows {
 public:
  MergedRows(const GgufTensor& tensor, const WeightDelta& delta, TensorType type) noexcept;

  std::size_t rows() const noexcept { return tensor_.shape[1]; }
  std::size_t row_bytes() const noexcept { return row_bytes_; }  // of W'

  // Writes rows [first, first + out.size() / row_bytes()). Blocks that the delta leaves alone are copied if the type is
  // the tensor's own. On all cores. Errors: those of quantize() and dequantize(), naming tensor and row.
  Result<void> write(std::size_t first, std::span<std::byte> out) const;

 private:
  Result<void> write_slice(std::size_t first, std::span<std::byte> out) const;
  void restore_untouched_blocks(std::span<const std::byte> original, std::span<const double> delta,
                                std::span<std::byte> row) const noexcept;

  const GgufTensor& tensor_;
  const WeightDelta& delta_;
  TensorType type_;
  std::size_t row_bytes_ = 0;
};

}  // namespace hyprstream
