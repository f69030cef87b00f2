// One factor of a low-rank pair, sparse: A [rank x in] or B [out x rank].
//
// Both are kept by rank component: component r of A is its row r, component r of B its column r.
// At 99% sparsity B has 0.16 non-zeros a row at rank 16, so what is stored, and what the kernels
// walk, is the list of non-zeros of each component and never an empty row.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/error.hpp"

namespace hyprstream {

// Indices are 16 bits wide.
inline constexpr std::size_t kMaxRank = 65'536;
inline constexpr std::size_t kMaxLayerWidth = 65'536;
// Offsets are 32 bits wide.
inline constexpr std::size_t kMaxNonZeros = 0xffff'ffff;

// The non-zeros of one component, ascending by index.
struct LoraComponent {
  std::span<const std::uint16_t> indices;  // into the layer's input (A) or output (B)
  std::span<const float> values;           // none of them 0, all finite
};

// Immutable, and cheap to copy: copies share their arrays, which may lie in a mapped file. Const access
// is thread-safe.
class LoraFactor {
 public:
  // All zero. The sizes are the caller's to check.
  static LoraFactor zero(std::size_t rank, std::size_t width);

  // `dense`: [rank][width], so B transposed. Zeros are left out. Errors: kInvalidArgument (a value
  // that is not finite, with its place; sizes past the limits above).
  static Result<LoraFactor> from_dense(std::span<const float> dense, std::size_t rank, std::size_t width);

  // Arrays that lie elsewhere and live as long as `owner`: `offsets` [rank + 1] into the other two.
  // Everything is checked. Errors: kCorrupt, naming what is wrong and where.
  static Result<LoraFactor> from_arrays(std::size_t width, std::span<const std::uint32_t> offsets,
                                        std::span<const std::uint16_t> indices, std::span<const float> values,
                                        std::shared_ptr<const void> owner);

  std::size_t rank() const noexcept { return offsets_.size() - 1; }
  std::size_t width() const noexcept { return width_; }
  std::size_t entries() const noexcept { return rank() * width_; }  // zeros included
  std::size_t nnz() const noexcept { return values_.size(); }
  // Bytes of the arrays.
  std::size_t bytes() const noexcept { return offsets_.size_bytes() + indices_.size_bytes() + values_.size_bytes(); }

  std::span<const std::uint32_t> offsets() const noexcept { return offsets_; }
  std::span<const std::uint16_t> indices() const noexcept { return indices_; }
  std::span<const float> values() const noexcept { return values_; }
  LoraComponent component(std::size_t r) const noexcept {
    const std::size_t begin = offsets_[r], count = offsets_[r + 1] - begin;
    return {indices_.subspan(begin, count), values_.subspan(begin, count)};
  }

  // [rank][width], with the zeros.
  std::vector<float> to_dense() const;

  // The same places with other values, [nnz]; those that are 0 are left out.
  // Errors: kInvalidArgument (not finite; another count).
  Result<LoraFactor> with_values(std::span<const float> values) const;

  friend bool operator==(const LoraFactor& a, const LoraFactor& b) noexcept;  // bit by bit

 private:
  LoraFactor() = default;
  static LoraFactor adopt(std::size_t width, std::vector<std::uint32_t> offsets, std::vector<std::uint16_t> indices,
                          std::vector<float> values);

  std::size_t width_ = 0;
  std::span<const std::uint32_t> offsets_;  // [rank + 1]
  std::span<const std::uint16_t> indices_;
  std::span<const float> values_;
  std::shared_ptr<const void> owner_;
};

}  // namespace hyprstream
