#include "adapter/lora_factor.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <format>
#include <utility>

namespace hyprstream {
namespace {

// What a factor that was made in memory points into.
struct Arrays {
  std::vector<std::uint32_t> offsets;
  std::vector<std::uint16_t> indices;
  std::vector<float> values;
};

Result<void> check_size(std::size_t rank, std::size_t width) {
  if (rank == 0 || rank > kMaxRank)
    return fail(ErrorCode::kInvalidArgument, std::format("rank {} is not from 1 to {}", rank, kMaxRank));
  if (width == 0 || width > kMaxLayerWidth)
    return fail(ErrorCode::kInvalidArgument,
                std::format("a layer width of {} is not from 1 to {}", width, kMaxLayerWidth));
  return {};
}

}  // namespace

LoraFactor LoraFactor::adopt(std::size_t width, std::vector<std::uint32_t> offsets, std::vector<std::uint16_t> indices,
                             std::vector<float> values) {
  auto arrays = std::make_shared<Arrays>(std::move(offsets), std::move(indices), std::move(values));
  arrays->indices.shrink_to_fit();
  arrays->values.shrink_to_fit();
  LoraFactor factor;
  factor.width_ = width;
  factor.offsets_ = arrays->offsets;
  factor.indices_ = arrays->indices;
  factor.values_ = arrays->values;
  factor.owner_ = std::move(arrays);
  return factor;
}

LoraFactor LoraFactor::zero(std::size_t rank, std::size_t width) {
  return adopt(width, std::vector<std::uint32_t>(rank + 1), {}, {});
}

Result<LoraFactor> LoraFactor::from_dense(std::span<const float> dense, std::size_t rank, std::size_t width) {
  HYPRSTREAM_TRY(check_size(rank, width));
  if (dense.size() != rank * width)
    return fail(ErrorCode::kInvalidArgument,
                std::format("{} values are not a [{} x {}] matrix", dense.size(), rank, width));
  const auto nnz = static_cast<std::size_t>(std::ranges::count_if(dense, [](float value) { return value != 0; }));
  if (nnz > kMaxNonZeros)
    return fail(ErrorCode::kInvalidArgument, std::format("{} non-zeros in one matrix are too many", nnz));
  std::vector<std::uint32_t> offsets{0};
  std::vector<std::uint16_t> indices;
  std::vector<float> values;
  offsets.reserve(rank + 1);
  indices.reserve(nnz);
  values.reserve(nnz);
  for (std::size_t r = 0; r < rank; ++r) {
    for (std::size_t i = 0; i < width; ++i) {
      const float value = dense[r * width + i];
      if (!std::isfinite(value))
        return fail(ErrorCode::kInvalidArgument, std::format("the value of component {} at {} is {}", r, i, value));
      if (value == 0) continue;
      indices.push_back(static_cast<std::uint16_t>(i));
      values.push_back(value);
    }
    offsets.push_back(static_cast<std::uint32_t>(values.size()));
  }
  return adopt(width, std::move(offsets), std::move(indices), std::move(values));
}

Result<LoraFactor> LoraFactor::from_arrays(std::size_t width, std::span<const std::uint32_t> offsets,
                                           std::span<const std::uint16_t> indices, std::span<const float> values,
                                           std::shared_ptr<const void> owner) {
  const auto corrupt = [](std::string message) { return fail(ErrorCode::kCorrupt, std::move(message)); };
  if (offsets.empty()) return corrupt("a matrix without components");
  if (auto checked = check_size(offsets.size() - 1, width); !checked) return corrupt(checked.error().message);
  if (offsets.front() != 0 || offsets.back() != values.size() || indices.size() != values.size())
    return corrupt(
        std::format("offsets end at {}, with {} indices and {} values", offsets.back(), indices.size(), values.size()));
  for (std::size_t r = 0; r + 1 < offsets.size(); ++r) {
    if (offsets[r + 1] < offsets[r] || offsets[r + 1] > values.size())
      return corrupt(std::format("the offsets of component {} are {} and {}", r, offsets[r], offsets[r + 1]));
    for (std::size_t at = offsets[r]; at < offsets[r + 1]; ++at) {
      if (indices[at] >= width) return corrupt(std::format("index {} is outside a width of {}", indices[at], width));
      if (at > offsets[r] && indices[at] <= indices[at - 1])
        return corrupt(std::format("index {} follows {} in component {}", indices[at], indices[at - 1], r));
      if (!std::isfinite(values[at]) || values[at] == 0)
        return corrupt(std::format("the value of component {} at {} is {}", r, indices[at], values[at]));
    }
  }
  LoraFactor factor;
  factor.width_ = width;
  factor.offsets_ = offsets;
  factor.indices_ = indices;
  factor.values_ = values;
  factor.owner_ = std::move(owner);
  return factor;
}

std::vector<float> LoraFactor::to_dense() const {
  std::vector<float> dense(entries());
  for (std::size_t r = 0; r < rank(); ++r) {
    const auto row = component(r);
    for (std::size_t k = 0; k < row.values.size(); ++k) dense[r * width_ + row.indices[k]] = row.values[k];
  }
  return dense;
}

Result<LoraFactor> LoraFactor::with_values(std::span<const float> values) const {
  if (values.size() != nnz())
    return fail(ErrorCode::kInvalidArgument, std::format("{} values for {} non-zeros", values.size(), nnz()));
  std::vector<std::uint32_t> offsets{0};
  std::vector<std::uint16_t> indices;
  std::vector<float> kept;
  offsets.reserve(offsets_.size());
  indices.reserve(values.size());
  kept.reserve(values.size());
  for (std::size_t r = 0; r < rank(); ++r) {
    for (std::size_t at = offsets_[r]; at < offsets_[r + 1]; ++at) {
      if (!std::isfinite(values[at]))
        return fail(ErrorCode::kInvalidArgument,
                    std::format("the value of component {} at {} is {}", r, indices_[at], values[at]));
      if (values[at] == 0) continue;
      indices.push_back(indices_[at]);
      kept.push_back(values[at]);
    }
    offsets.push_back(static_cast<std::uint32_t>(kept.size()));
  }
  return adopt(width_, std::move(offsets), std::move(indices), std::move(kept));
}

bool operator==(const LoraFactor& a, const LoraFactor& b) noexcept {
  // There is neither NaN nor zero among the values, so equal numbers are equal bits.
  return a.width_ == b.width_ && std::ranges::equal(a.offsets_, b.offsets_) &&
         std::ranges::equal(a.indices_, b.indices_) && std::ranges::equal(a.values_, b.values_);
}

}  // namespace hyprstream
