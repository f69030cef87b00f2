// Matrix products, the one kernel that training spends its time in.
//
// Activations lie by feature: [features][tokens], so that every operation works on many tokens at once and a product's
// right side needs no transposition in either direction. The number of columns is always a multiple of kColumnBlock.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hyprstream {

inline constexpr std::size_t kColumnBlock = 16;
// Columns of a panel of packed activations.
inline constexpr std::size_t kPanelColumns = 48;
// Rows of the result that are computed together.
inline constexpr std::size_t kRowGroup = 8;

inline constexpr std::size_t round_up(std::size_t value, std::size_t multiple) noexcept {
  return (value + multiple - 1) / multiple * multiple;
}

// Two neighbouring factors of a sum as BF16, the first in the lower half.
using Bf16Pair = std::uint32_t;

enum class LeftLayout : std::uint8_t {
  kByRow,    // element (row, k) at left[row * left_stride + k]
  kByDepth,  // element (row, k) at left[k * left_stride + row]
};

// result[row][column] = scale * sum over k of left(row, k) * right[k][column], or += with `accumulate`.
template <typename Element>  // float or Bf16Pair
struct Product {
  const Element* left = nullptr;
  LeftLayout layout = LeftLayout::kByRow;
  std::size_t left_stride = 0;
  const Element* right = nullptr;  // [depth][columns]
  std::size_t right_stride = 0;
  float* result = nullptr;
  std::size_t result_stride = 0;
  std::size_t rows = 0;
  std::size_t columns = 0;  // a multiple of kColumnBlock
  std::size_t depth = 0;    // in elements: pairs count once
  float scale = 1;
  bool accumulate = false;
};

// All functions are thread-safe; each runs on the calling thread. The sum's order depends on the depth alone, so that
// dividing a product by rows or columns changes no bit.

void multiply(const Product<float>& product);

// Only where has_bf16_products().
void multiply(const Product<Bf16Pair>& product);

// Whether this processor multiplies BF16 faster than float32.
bool has_bf16_products() noexcept;

// Packs `columns` columns of values[depth][stride] for the right side: pair k of column c at packed[k * columns + c].
// depth is even.
void pack_pairs(const float* values, std::size_t stride, std::size_t depth, std::size_t columns, Bf16Pair* packed);

// The left side kByRow: `count` (even) values as count / 2 pairs.
void convert_to_pairs(const float* values, std::size_t count, Bf16Pair* pairs);

// The left side kByDepth, of two rows of `count` values that follow each other in the sum, in groups of kRowGroup:
// pair i goes to pairs[i / kRowGroup * group_stride + i % kRowGroup]. count is a multiple of kRowGroup.
void convert_to_groups(const float* first, const float* second, std::size_t count, std::size_t group_stride,
                       Bf16Pair* pairs);

}  // namespace hyprstream
