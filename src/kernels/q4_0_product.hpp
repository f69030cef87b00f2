// Products of 4-bit weights with several columns: what a step of several sequences, and a prompt, spend their time on.
//
// The weights are GGUF's Q4_0 (blocks of 32 weights w = d * (q - 8), q from 0 to 15, d in half precision) in the order
// that ggml's CPU plugin puts them into when it loads a model on a processor with vectors of 32 bytes or more: the
// blocks of eight rows together, in pieces of eight bytes, each nibble with its highest bit flipped.
//
// The columns are rounded to 8 bits first, as GGUF's Q8_0, exactly as ggml does it for the same product, so both give
// the same integers, and differ only in the order of the sums over blocks.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hyprstream {

inline constexpr std::size_t kQ4BlockSize = 32;  // weights of a row that share a scale
inline constexpr std::size_t kQ4RowGroup = 8;    // rows whose blocks lie together
inline constexpr std::size_t kColumnTile = 8;    // columns that are multiplied at once

// One block of each of eight rows. Byte 8 * i + j of each half of `nibbles` belongs to row i, and holds weights
// j and j + 16 (first half) or j + 8 and j + 24 (second half) of its block in its low and high four bits.
struct Q4RowGroupBlock {
  std::uint16_t scales[kQ4RowGroup];  // float16
  std::uint8_t nibbles[kQ4RowGroup * kQ4BlockSize / 2];
};
static_assert(sizeof(Q4RowGroupBlock) == 144);

// Block b of up to eight columns, rounded to 8 bits.
struct alignas(32) ColumnTileBlock {
  std::int8_t values[kColumnTile][kQ4BlockSize];
  std::int64_t offsets[kColumnTile];  // -8 times the sum of the values, which undoes the 8 in q - 8; 32 bits
  float scales[kColumnTile];
};

// Y = W X.
struct Q4Product {
  const Q4RowGroupBlock* weights;  // [out / 8][in / 32]
  std::size_t in;                  // a multiple of 32
  std::size_t out;                 // a multiple of 8
  const float* input;              // [columns][in], a column each input_stride floats
  std::size_t input_stride;
  float* output;  // [columns][out], a column each output_stride floats
  std::size_t output_stride;
  std::size_t columns;

  std::size_t blocks() const noexcept { return in / kQ4BlockSize; }
  std::size_t row_groups() const noexcept { return out / kQ4RowGroup; }
  std::size_t tiles() const noexcept { return (columns + kColumnTile - 1) / kColumnTile; }
};

// Whether this processor computes the product faster than the plain code would: it has vectors of 32 bytes.
bool has_fast_q4_product() noexcept;

// Rounds blocks first to first + count - 1 of `tiles` [tiles()][blocks()] from the columns. Thread-safe for different
// blocks.
void quantize_columns(const Q4Product& product, std::size_t first, std::size_t count, ColumnTileBlock* tiles) noexcept;

// Computes rows 8 * first_group to 8 * (first_group + group_count) - 1 of all columns, from `tiles` that
// quantize_columns() has filled. Thread-safe for different rows.
void multiply_row_groups(const Q4Product& product, std::size_t first_group, std::size_t group_count,
                         const ColumnTileBlock* tiles) noexcept;

}  // namespace hyprstream
