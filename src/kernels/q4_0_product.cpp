#include "kernels/q4_0_product.hpp"

// Vectors whose length is known only at run time do not fit into arrays.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)

// This file is compiled once per set of vector instructions.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/q4_0_product.cpp"
#include <hwy/foreach_target.h>
// What follows needs the targets.
#include <hwy/highway.h>

#include <algorithm>
#include <bit>
#include <cstring>

#ifndef HYPRSTREAM_Q4_PANEL
#define HYPRSTREAM_Q4_PANEL
namespace hyprstream {
namespace {

// Row groups that are multiplied with one tile after another while they stay in the first cache.
constexpr std::size_t kPanelBytes = 24 << 10;

std::size_t panel_groups(const Q4Product& product) {
  return std::max<std::size_t>(1, kPanelBytes / (product.blocks() * sizeof(Q4RowGroupBlock)));
}

}  // namespace
}  // namespace hyprstream
#endif

HWY_BEFORE_NAMESPACE();
namespace hyprstream::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Bytes of weights at once: those of all eight rows where vectors are long enough, else of some of them.
using Bytes = hn::CappedTag<std::uint8_t, 64>;
using SignedBytes = hn::RebindToSigned<Bytes>;
using Sums = hn::Repartition<std::int32_t, Bytes>;
using Floats = hn::RebindToFloat<Sums>;
using Pairs = hn::Repartition<std::int64_t, Bytes>;
constexpr std::size_t kBytes = hn::MaxLanes(Bytes());
constexpr std::size_t kRows = kBytes / 8;  // each has two lanes of sums
constexpr std::size_t kParts = kQ4RowGroup / kRows;

// The scales of the rows of a part, each in the two lanes of its row.
HWY_INLINE hn::Vec<Floats> load_scales(const std::uint16_t* HWY_RESTRICT scales) {
  constexpr hn::Rebind<hwy::float16_t, Floats> d16;
  constexpr hn::RebindToUnsigned<decltype(d16)> du16;
#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128
  constexpr bool kShuffle = false;
#else
  constexpr bool kShuffle = kRows >= 4;
#endif
  if constexpr (kShuffle) {
    // Each block of 128 bits holds the scales of four rows: two bytes of a scale, twice.
    constexpr hn::Repartition<std::uint8_t, decltype(du16)> d8;
    alignas(32) static constexpr std::uint8_t kTwice[32] = {0, 1, 0, 1, 2,  3,  2,  3,  4,  5,  4,  5,  6,  7,  6,  7,
                                                            8, 9, 8, 9, 10, 11, 10, 11, 12, 13, 12, 13, 14, 15, 14, 15};
    std::uint64_t four;
    if constexpr (kRows == 4) {
      std::memcpy(&four, scales, sizeof(four));
      const auto all = hn::BitCast(d8, hn::Set(hn::Repartition<std::uint64_t, decltype(d8)>(), four));
      return hn::PromoteTo(Floats(), hn::BitCast(d16, hn::TableLookupBytes(all, hn::Load(d8, kTwice))));
    } else {
      const auto all = hn::BitCast(d8, hn::LoadDup128(du16, scales));
      return hn::PromoteTo(Floats(), hn::BitCast(d16, hn::TableLookupBytes(all, hn::Load(d8, kTwice))));
    }
  } else {
    HWY_ALIGN std::uint16_t twice[2 * kRows];
    for (std::size_t i = 0; i < 2 * kRows; ++i) twice[i] = scales[i / 2];
    return hn::PromoteTo(Floats(), hn::BitCast(d16, hn::Load(du16, twice)));
  }
}

HWY_INLINE hn::Vec<SignedBytes> load_values(const std::int8_t* HWY_RESTRICT values) {
  std::int64_t eight;
  std::memcpy(&eight, values, sizeof(eight));
  return hn::BitCast(SignedBytes(), hn::Set(Pairs(), eight));
}

// Rows `part` of a row group times kColumns columns of a tile.
template <std::size_t kColumns>
HWY_INLINE void multiply_part(const Q4RowGroupBlock* HWY_RESTRICT weights, std::size_t blocks, std::size_t part,
                              const ColumnTileBlock* HWY_RESTRICT tile, float* HWY_RESTRICT output,
                              std::size_t output_stride) {
  constexpr Bytes d8;
  constexpr Sums d32;
  constexpr Floats df;
  const auto flip = hn::Set(d8, std::uint8_t{0x88});
  const auto low = hn::Set(d8, std::uint8_t{0x0F});
  hn::Vec<Floats> sums[kColumns];
  for (std::size_t c = 0; c < kColumns; ++c) sums[c] = hn::Zero(df);
  for (std::size_t b = 0; b < blocks; ++b) {
    const auto first = hn::Xor(hn::LoadU(d8, weights[b].nibbles + part * kBytes), flip);
    const auto second = hn::Xor(hn::LoadU(d8, weights[b].nibbles + 64 + part * kBytes), flip);
    const auto w0 = hn::And(first, low);
    const auto w8 = hn::And(second, low);
    const auto w16 = hn::ShiftRight<4>(first);
    const auto w24 = hn::ShiftRight<4>(second);
    const auto scales = load_scales(weights[b].scales + part * kRows);
    const ColumnTileBlock& block = tile[b];
    HWY_UNROLL(8)
    for (std::size_t c = 0; c < kColumns; ++c) {
      const std::int8_t* HWY_RESTRICT x = block.values[c];
      auto sum = hn::BitCast(d32, hn::Set(Pairs(), block.offsets[c]));
      sum = hn::SumOfMulQuadAccumulate(d32, w0, load_values(x), sum);
      sum = hn::SumOfMulQuadAccumulate(d32, w8, load_values(x + 8), sum);
      sum = hn::SumOfMulQuadAccumulate(d32, w16, load_values(x + 16), sum);
      sum = hn::SumOfMulQuadAccumulate(d32, w24, load_values(x + 24), sum);
      const auto scale = hn::Mul(scales, hn::Set(df, block.scales[c]));
      sums[c] = hn::MulAdd(hn::ConvertTo(df, sum), scale, sums[c]);
    }
  }
  for (std::size_t c = 0; c < kColumns; ++c) {
    HWY_ALIGN float lanes[2 * kRows];
    hn::Store(sums[c], df, lanes);
    for (std::size_t r = 0; r < kRows; ++r)
      output[c * output_stride + part * kRows + r] = lanes[2 * r] + lanes[2 * r + 1];
  }
}

template <std::size_t kColumns>
void multiply_tile(const Q4Product& product, std::size_t first_group, std::size_t group_count,
                   const ColumnTileBlock* HWY_RESTRICT tile, float* HWY_RESTRICT output) {
  for (std::size_t g = first_group; g < first_group + group_count; ++g)
    for (std::size_t part = 0; part < kParts; ++part)
      multiply_part<kColumns>(product.weights + g * product.blocks(), product.blocks(), part, tile,
                              output + g * kQ4RowGroup, product.output_stride);
}

void MultiplyRowGroups(const Q4Product& product, std::size_t first_group, std::size_t group_count,
                       const ColumnTileBlock* tiles) {
  using MultiplyTile = void (*)(const Q4Product&, std::size_t, std::size_t, const ColumnTileBlock*, float*);
  static constexpr MultiplyTile kMultiply[kColumnTile] = {multiply_tile<1>, multiply_tile<2>, multiply_tile<3>,
                                                          multiply_tile<4>, multiply_tile<5>, multiply_tile<6>,
                                                          multiply_tile<7>, multiply_tile<8>};
  const std::size_t panel = panel_groups(product);
  for (std::size_t begin = 0; begin < group_count; begin += panel)
    for (std::size_t t = 0; t < product.tiles(); ++t) {
      const std::size_t columns = std::min(kColumnTile, product.columns - t * kColumnTile);
      kMultiply[columns - 1](product, first_group + begin, std::min(panel, group_count - begin),
                             tiles + t * product.blocks(), product.output + t * kColumnTile * product.output_stride);
    }
}

// A block of a column: scale and values as ggml rounds to Q8_0.
void quantize_block(const float* HWY_RESTRICT x, std::size_t column, ColumnTileBlock& block) {
  constexpr hn::CappedTag<float, 16> d;
  constexpr hn::RebindToSigned<decltype(d)> d32;
  constexpr hn::Rebind<std::int8_t, decltype(d)> d8;
  constexpr std::size_t kLanes = hn::MaxLanes(d);
  auto most = hn::Zero(d);
  for (std::size_t i = 0; i < kQ4BlockSize; i += kLanes) most = hn::Max(most, hn::Abs(hn::LoadU(d, x + i)));
  const float largest = hn::ReduceMax(d, most);
  const auto inverse = hn::Set(d, largest == 0 ? 0.0F : 127 / largest);
  auto sum = hn::Zero(d32);
  for (std::size_t i = 0; i < kQ4BlockSize; i += kLanes) {
    const auto rounded = hn::NearestInt(hn::Mul(hn::LoadU(d, x + i), inverse));
    sum = hn::Add(sum, rounded);
    hn::StoreU(hn::DemoteTo(d8, rounded), d8, block.values[column] + i);
  }
  block.offsets[column] = static_cast<std::int64_t>(static_cast<std::uint32_t>(-8 * hn::ReduceSum(d32, sum)));
  block.scales[column] = hwy::F32FromF16(hwy::F16FromF32(largest / 127));
}

void QuantizeColumns(const Q4Product& product, std::size_t first, std::size_t count, ColumnTileBlock* tiles) {
  for (std::size_t i = first; i < first + count; ++i) {
    const std::size_t begin = i / product.blocks() * kColumnTile;
    const std::size_t columns = std::min(kColumnTile, product.columns - begin);
    const float* x = product.input + begin * product.input_stride + i % product.blocks() * kQ4BlockSize;
    for (std::size_t c = 0; c < columns; ++c) quantize_block(x + c * product.input_stride, c, tiles[i]);
  }
}

bool HasLongVectors() { return kBytes >= 32; }

}  // namespace hyprstream::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hyprstream {

HWY_EXPORT(HasLongVectors);
HWY_EXPORT(MultiplyRowGroups);
HWY_EXPORT(QuantizeColumns);

bool has_fast_q4_product() noexcept { return HWY_DYNAMIC_DISPATCH(HasLongVectors)(); }

void quantize_columns(const Q4Product& product, std::size_t first, std::size_t count, ColumnTileBlock* tiles) noexcept {
  HWY_DYNAMIC_DISPATCH(QuantizeColumns)(product, first, count, tiles);
}

void multiply_row_groups(const Q4Product& product, std::size_t first_group, std::size_t group_count,
                         const ColumnTileBlock* tiles) noexcept {
  HWY_DYNAMIC_DISPATCH(MultiplyRowGroups)(product, first_group, group_count, tiles);
}

}  // namespace hyprstream
#endif
