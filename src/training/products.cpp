#include "training/products.hpp"

// Arrays of vectors need vectors of fixed size; their smaller relatives serve those machines.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
// This file is compiled once per set of vector instructions.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "training/products.cpp"
#include <hwy/foreach_target.h>
// What follows needs the targets.
#include <hwy/highway.h>

#include <algorithm>
#include <type_traits>

HWY_BEFORE_NAMESPACE();
namespace hyprstream::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::CappedTag<float, kColumnBlock>;
using Vector = hn::Vec<Floats>;
constexpr std::size_t kLanes = hn::MaxLanes(Floats());
// Vectors side by side: with 8 rows, 24 of AVX-512's 32 registers hold sums.
constexpr std::size_t kMaxVectors = kLanes == kColumnBlock ? kPanelColumns / kColumnBlock : 1;

HWY_INLINE Vector multiply_add(float a, Vector b, Vector sum) { return hn::MulAdd(hn::Set(Floats(), a), b, sum); }

#if HWY_NATIVE_DOT_BF16
using Pairs = hn::RepartitionToNarrow<Floats>;  // lanes of uint16
using Bf16s = hn::Repartition<hwy::bfloat16_t, Floats>;
using Words = hn::RebindToUnsigned<Floats>;

HWY_INLINE Vector multiply_add(Bf16Pair a, hn::Vec<Words> b, Vector sum) {
  const Bf16s d;
  Vector unused = hn::Zero(Floats());
  return hn::ReorderWidenMulAccumulate(Floats(), hn::BitCast(d, hn::Set(Words(), a)), hn::BitCast(d, b), sum, unused);
}
#endif

template <typename Element>
HWY_INLINE auto load(const Element* at) {
  return hn::LoadU(hn::CappedTag<Element, kColumnBlock>(), at);
}

// kRows x (kVectors * kLanes) of the result.
template <std::size_t kRows, std::size_t kVectors, LeftLayout kLayout, typename Element>
HWY_INLINE void multiply_tile(const Product<Element>& p, std::size_t row, std::size_t column) {
  const Floats d;
  Vector sums[kRows][kVectors];
#pragma GCC unroll 8
  for (std::size_t r = 0; r < kRows; ++r)
#pragma GCC unroll 4
    for (std::size_t v = 0; v < kVectors; ++v) sums[r][v] = hn::Zero(d);
  const Element* right = p.right + column;
  const Element* left = p.left + (kLayout == LeftLayout::kByRow ? row * p.left_stride : row);
  const std::size_t step = kLayout == LeftLayout::kByRow ? 1 : p.left_stride;
  const std::size_t row_step = kLayout == LeftLayout::kByRow ? p.left_stride : 1;
  const std::size_t right_step = p.right_stride;
  for (std::size_t k = p.depth; k > 0; --k) {
    decltype(load(right)) b[kVectors];
#pragma GCC unroll 4
    for (std::size_t v = 0; v < kVectors; ++v) b[v] = load(right + v * kLanes);
#pragma GCC unroll 8
    for (std::size_t r = 0; r < kRows; ++r)
#pragma GCC unroll 4
      for (std::size_t v = 0; v < kVectors; ++v) sums[r][v] = multiply_add(left[r * row_step], b[v], sums[r][v]);
    right += right_step;
    left += step;
  }
  const auto scale = hn::Set(d, p.scale);
#pragma GCC unroll 8
  for (std::size_t r = 0; r < kRows; ++r) {
    float* result = p.result + (row + r) * p.result_stride + column;
#pragma GCC unroll 4
    for (std::size_t v = 0; v < kVectors; ++v) {
      float* at = result + v * kLanes;
      hn::StoreU(p.accumulate ? hn::MulAdd(sums[r][v], scale, hn::LoadU(d, at)) : hn::Mul(sums[r][v], scale), d, at);
    }
  }
}

template <std::size_t kVectors, LeftLayout kLayout, typename Element>
void multiply_columns(const Product<Element>& p, std::size_t column) {
  std::size_t row = 0;
  for (; row + kRowGroup <= p.rows; row += kRowGroup) multiply_tile<kRowGroup, kVectors, kLayout>(p, row, column);
  for (; row < p.rows; ++row) multiply_tile<1, kVectors, kLayout>(p, row, column);
}

template <LeftLayout kLayout, typename Element>
void multiply_all(const Product<Element>& p) {
  std::size_t column = 0;
  for (; column + kMaxVectors * kLanes <= p.columns; column += kMaxVectors * kLanes)
    multiply_columns<kMaxVectors, kLayout>(p, column);
  if constexpr (kMaxVectors > 2)
    for (; column + 2 * kLanes <= p.columns; column += 2 * kLanes) multiply_columns<2, kLayout>(p, column);
  for (; column + kLanes <= p.columns; column += kLanes) multiply_columns<1, kLayout>(p, column);
}

void multiply_floats(const Product<float>& p) {
  if (p.layout == LeftLayout::kByRow)
    multiply_all<LeftLayout::kByRow>(p);
  else
    multiply_all<LeftLayout::kByDepth>(p);
}

void multiply_pairs([[maybe_unused]] const Product<Bf16Pair>& p) {
#if HWY_NATIVE_DOT_BF16
  if (p.layout == LeftLayout::kByRow)
    multiply_all<LeftLayout::kByRow>(p);
  else
    multiply_all<LeftLayout::kByDepth>(p);
#endif
}

bool native_bf16() { return HWY_NATIVE_DOT_BF16 != 0; }

// Rounded to the nearest BF16, ties to even: the upper half of each word.
template <class D, class V>
HWY_INLINE V rounded(D d, V bits) {
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(d, 1));
  return hn::Add(bits, hn::Add(odd, hn::Set(d, 0x7fff)));
}

template <class D, class V>
HWY_INLINE V joined(D d, V first, V second) {
  return hn::Or(hn::ShiftRight<16>(rounded(d, first)), hn::And(rounded(d, second), hn::Set(d, 0xffff0000U)));
}

template <class D>
HWY_INLINE auto load_bits(D d, const float* at) {
  return hn::BitCast(d, hn::LoadU(hn::RebindToFloat<D>(), at));
}

void pack(const float* values, std::size_t stride, std::size_t depth, std::size_t columns, Bf16Pair* packed) {
  const hn::CappedTag<std::uint32_t, kColumnBlock> d;
  for (std::size_t k = 0; k < depth; k += 2, values += 2 * stride, packed += columns)
    for (std::size_t c = 0; c < columns; c += hn::Lanes(d))
      hn::StoreU(joined(d, load_bits(d, values + c), load_bits(d, values + stride + c)), d, packed + c);
}

void convert_row(const float* values, std::size_t count, Bf16Pair* pairs) {
  const hn::CappedTag<std::uint32_t, kColumnBlock> d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
#if HWY_TARGET != HWY_SCALAR
  for (; i + 2 * lanes <= count; i += 2 * lanes) {
    hn::Vec<decltype(d)> even, odd;
    hn::LoadInterleaved2(d, reinterpret_cast<const std::uint32_t*>(values + i), even, odd);
    hn::StoreU(joined(d, even, odd), d, pairs + i / 2);
  }
#endif
  const hn::CappedTag<std::uint32_t, 1> one;
  for (; i < count; i += 2)
    hn::StoreU(joined(one, load_bits(one, values + i), load_bits(one, values + i + 1)), one, pairs + i / 2);
}

void convert_groups(const float* first, const float* second, std::size_t count, std::size_t group_stride,
                    Bf16Pair* pairs) {
  const hn::CappedTag<std::uint32_t, kRowGroup> d;
  for (std::size_t i = 0; i < count; i += kRowGroup, pairs += group_stride)
    for (std::size_t j = 0; j < kRowGroup; j += hn::Lanes(d))
      hn::StoreU(joined(d, load_bits(d, first + i + j), load_bits(d, second + i + j)), d, pairs + j);
}

}  // namespace hyprstream::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hyprstream {

HWY_EXPORT(multiply_floats);
HWY_EXPORT(multiply_pairs);
HWY_EXPORT(native_bf16);
HWY_EXPORT(pack);
HWY_EXPORT(convert_row);
HWY_EXPORT(convert_groups);

void multiply(const Product<float>& product) { HWY_DYNAMIC_DISPATCH(multiply_floats)(product); }

void multiply(const Product<Bf16Pair>& product) { HWY_DYNAMIC_DISPATCH(multiply_pairs)(product); }

bool has_bf16_products() noexcept { return HWY_DYNAMIC_DISPATCH(native_bf16)(); }

void pack_pairs(const float* values, std::size_t stride, std::size_t depth, std::size_t columns, Bf16Pair* packed) {
  HWY_DYNAMIC_DISPATCH(pack)(values, stride, depth, columns, packed);
}

void convert_to_pairs(const float* values, std::size_t count, Bf16Pair* pairs) {
  HWY_DYNAMIC_DISPATCH(convert_row)(values, count, pairs);
}

void convert_to_groups(const float* first, const float* second, std::size_t count, std::size_t group_stride,
                       Bf16Pair* pairs) {
  HWY_DYNAMIC_DISPATCH(convert_groups)(first, second, count, group_stride, pairs);
}

}  // namespace hyprstream
#endif
