#include "adapter_engine/lora_kernels.hpp"

// This file is compiled once per set of vector instructions.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "adapter_engine/lora_kernels.cpp"
#include <hwy/foreach_target.h>
// What follows needs the targets.
#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#ifndef HYPRSTREAM_LORA_ENTRIES
#define HYPRSTREAM_LORA_ENTRIES
namespace hyprstream {
namespace {

constexpr std::size_t kBlock = 8;  // columns

// A non-zero of a factor.
struct Entry {
  std::uint16_t index;
  std::uint16_t component;
  float value;
};

// Vectors without zeros have a way of their own that is faster.
bool is_sparse(const LoraPair& pair) { return pair.nnz() * 8 <= pair.entries(); }

bool offsets_fit(const LoraColumns& columns) {
  return columns.input_stride <= static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()) / kBlock;
}

// All non-zeros by index, then component, but for those of components that are zero in the partner.
std::vector<Entry> by_index(const LoraFactor& factor, const LoraFactor& partner) {
  std::vector<Entry> entries;
  entries.reserve(factor.nnz());
  for (std::size_t r = 0; r < factor.rank(); ++r) {
    if (partner.component(r).values.empty()) continue;
    const auto component = factor.component(r);
    for (std::size_t k = 0; k < component.values.size(); ++k)
      entries.push_back({component.indices[k], static_cast<std::uint16_t>(r), component.values[k]});
  }
  std::ranges::sort(entries, {},
                    [](const Entry& entry) { return (std::uint32_t{entry.index} << 16) | entry.component; });
  return entries;
}

}  // namespace
}  // namespace hyprstream
#endif

HWY_BEFORE_NAMESPACE();
namespace hyprstream::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The sum of values[k] * x[indices[k]].
float sparse_dot(LoraComponent component, const float* HWY_RESTRICT x) {
  const std::size_t count = component.values.size();
  const float* HWY_RESTRICT values = component.values.data();
  const std::uint16_t* HWY_RESTRICT indices = component.indices.data();
  float sum = 0;
  std::size_t k = 0;
#if HWY_TARGET != HWY_SCALAR
  const hn::ScalableTag<float> d;
  const hn::Rebind<std::int32_t, decltype(d)> d32;
  const hn::Rebind<std::uint16_t, decltype(d)> d16;
  const std::size_t lanes = hn::Lanes(d);
  if (count >= 2 * lanes) {
    auto sums = hn::Zero(d);
    for (; k + lanes <= count; k += lanes) {
      const auto at = hn::PromoteTo(d32, hn::LoadU(d16, indices + k));
      sums = hn::MulAdd(hn::LoadU(d, values + k), hn::GatherIndex(d, x, at), sums);
    }
    sum = hn::ReduceSum(d, sums);
  }
#endif
  for (; k < count; ++k) sum += values[k] * x[indices[k]];
  return sum;
}

// y[indices[k]] += h * values[k]; the indices are distinct.
void sparse_add(LoraComponent component, float h, float* HWY_RESTRICT y) {
  const std::size_t count = component.values.size();
  const float* HWY_RESTRICT values = component.values.data();
  const std::uint16_t* HWY_RESTRICT indices = component.indices.data();
  for (std::size_t k = 0; k < count; ++k) y[indices[k]] += h * values[k];
}

// The same two for a component without zeros, whose indices are 0, 1, 2, ...
float dense_dot(std::span<const float> values, const float* HWY_RESTRICT x) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  auto even = hn::Zero(d);
  auto odd = hn::Zero(d);
  std::size_t k = 0;
  for (; k + 2 * lanes <= values.size(); k += 2 * lanes) {
    even = hn::MulAdd(hn::LoadU(d, values.data() + k), hn::LoadU(d, x + k), even);
    odd = hn::MulAdd(hn::LoadU(d, values.data() + k + lanes), hn::LoadU(d, x + k + lanes), odd);
  }
  float sum = hn::ReduceSum(d, hn::Add(even, odd));
  for (; k < values.size(); ++k) sum += values[k] * x[k];
  return sum;
}

void dense_add(std::span<const float> values, float h, float* HWY_RESTRICT y) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  const auto factor = hn::Set(d, h);
  std::size_t k = 0;
  for (; k + lanes <= values.size(); k += lanes)
    hn::StoreU(hn::MulAdd(factor, hn::LoadU(d, values.data() + k), hn::LoadU(d, y + k)), d, y + k);
  for (; k < values.size(); ++k) y[k] += h * values[k];
}

// Columns one after another, each component by component.
void add_to_each(const LoraPair& pair, float factor, const LoraColumns& columns) {
  for (std::size_t c = 0; c < columns.count; ++c) {
    const float* x = columns.input + c * columns.input_stride;
    float* y = columns.output + c * columns.output_stride;
    for (std::size_t r = 0; r < pair.rank(); ++r) {
      const auto a = pair.a.component(r);
      const auto b = pair.b.component(r);
      if (a.values.empty() || b.values.empty()) continue;
      const float h = factor * (a.values.size() == pair.in() ? dense_dot(a.values, x) : sparse_dot(a, x));
      if (b.values.size() == pair.out())
        dense_add(b.values, h, y);
      else
        sparse_add(b, h, y);
    }
  }
}

// Blocks of columns, all components of a factor in one ascending pass: x and y of a prefill do not fit the
// cache, and component by component every line of them would be fetched as often as there are components.
void add_to_blocks(float factor, const LoraColumns& columns, std::span<const Entry> a_entries,
                   std::span<const Entry> b_entries, std::vector<float>& h) {
  const hn::CappedTag<float, kBlock> d;
  const hn::RebindToSigned<decltype(d)> d_index;
  const std::size_t lanes = hn::Lanes(d);
  HWY_ALIGN std::int32_t offsets[kBlock] = {};
  HWY_ALIGN float deltas[kBlock];
  for (std::size_t begin = 0; begin < columns.count; begin += lanes) {
    const std::size_t active = std::min(lanes, columns.count - begin);
    const float* x = columns.input + begin * columns.input_stride;
    float* y = columns.output + begin * columns.output_stride;
    // Lanes behind the last column repeat it, and are dropped in the end.
    for (std::size_t c = 0; c < lanes; ++c)
      offsets[c] = static_cast<std::int32_t>(std::min(c, active - 1) * columns.input_stride);
    const auto at = hn::Load(d_index, offsets);
    std::ranges::fill(h, 0.0F);
    for (const auto& [index, component, value] : a_entries) {
      float* sums = h.data() + component * lanes;
      hn::StoreU(hn::MulAdd(hn::Set(d, value), hn::GatherIndex(d, x + index, at), hn::LoadU(d, sums)), d, sums);
    }
    for (const auto& [index, component, value] : b_entries) {
      hn::Store(hn::Mul(hn::Set(d, factor * value), hn::LoadU(d, h.data() + component * lanes)), d, deltas);
      for (std::size_t c = 0; c < active; ++c) y[c * columns.output_stride + index] += deltas[c];
    }
  }
}

void AddLoraDelta(const LoraPair& pair, float scale, const LoraColumns& columns) {
  const float factor = scale * pair.scaling;
  if (columns.count < kBlock || !is_sparse(pair) || !offsets_fit(columns)) {
    add_to_each(pair, factor, columns);
    return;
  }
  std::vector<float> h(pair.rank() * kBlock);
  add_to_blocks(factor, columns, by_index(pair.a, pair.b), by_index(pair.b, pair.a), h);
}

}  // namespace hyprstream::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hyprstream {

HWY_EXPORT(AddLoraDelta);

void add_lora_delta(const LoraPair& pair, float scale, const LoraColumns& columns) noexcept {
  HWY_DYNAMIC_DISPATCH(AddLoraDelta)(pair, scale, columns);
}

}  // namespace hyprstream
#endif
