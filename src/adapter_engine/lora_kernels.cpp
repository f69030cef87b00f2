#include "adapter_engine/lora_kernels.hpp"

// This file is compiled once per set of vector instructions.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "adapter_engine/lora_kernels.cpp"
#include <hwy/foreach_target.h>
// What follows needs the targets.
#include <hwy/highway.h>

#include <cstdint>

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

void AddLoraDelta(const LoraPair& pair, float scale, const LoraColumns& columns) {
  const float factor = scale * pair.scaling;
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
