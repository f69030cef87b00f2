// One weight matrix of the base model: quantized and mapped, multiplied in both directions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <hwy/aligned_allocator.h>

#include "base/error.hpp"
#include "gguf/gguf_file.hpp"
#include "training/products.hpp"
#include "training/thread_pool.hpp"

namespace hyprstream {

// What products are computed in; sums are always float32.
enum class Precision : std::uint8_t { kFloat32, kBf16 };

// Activations as the right side of a product: [features][columns], packed if they are BF16. Not thread-safe.
class PackedActivations {
 public:
  // `values`: [features][columns], which must stay while the result is in use with kFloat32; columns is a multiple of
  // kColumnBlock, features is even with kBf16.
  void assign(ThreadPool& pool, Precision precision, const float* values, std::size_t features, std::size_t columns);

  std::size_t features() const noexcept { return features_; }
  std::size_t columns() const noexcept { return columns_; }
  std::size_t panels() const noexcept { return (columns_ + kPanelColumns - 1) / kPanelColumns; }
  std::size_t panel_columns(std::size_t panel) const noexcept;
  const float* values() const noexcept { return values_; }
  const Bf16Pair* panel(std::size_t panel) const noexcept {
    return pairs_.data() + panel * kPanelColumns * (features_ / 2);
  }

 private:
  std::size_t features_ = 0;
  std::size_t columns_ = 0;
  const float* values_ = nullptr;
  hwy::AlignedVector<Bf16Pair> pairs_;
};

// Memory that one thread works in. Not thread-safe.
struct WeightScratch {
  hwy::AlignedVector<float> values;
  hwy::AlignedVector<Bf16Pair> pairs;
};

// W [out x in]. Immutable; the file must outlive it.
class FrozenWeight {
 public:
  FrozenWeight() = default;

  // Errors: kUnsupported (more than two dimensions; a type that holds no weights).
  static Result<FrozenWeight> create(const GgufTensor& tensor);

  std::size_t in() const noexcept { return in_; }
  std::size_t out() const noexcept { return out_; }
  // BF16 for everything that is not float32 itself, where the processor gains by it.
  Precision precision() const noexcept { return precision_; }

  // result[out][columns] = W * x. `scratch`: one per thread of the pool.
  void multiply(ThreadPool& pool, std::span<WeightScratch> scratch, const PackedActivations& x, float* result) const;

  // result[in][columns] = or += W^T * dy.
  void multiply_transposed(ThreadPool& pool, std::span<WeightScratch> scratch, const PackedActivations& dy,
                           float* result, bool accumulate) const;

  // Row `row` as float32, [in].
  void read_row(std::size_t row, std::span<float> values) const;

 private:
  void read(std::size_t row, std::size_t first, std::span<float> values) const;

  TensorType type_ = TensorType::kF32;
  Precision precision_ = Precision::kFloat32;
  std::size_t in_ = 0;
  std::size_t out_ = 0;
  std::size_t row_bytes_ = 0;
  std::span<const std::byte> data_;
};

}  // namespace hyprstream
