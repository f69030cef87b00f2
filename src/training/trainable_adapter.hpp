// The adapter while it is trained: values, gradients and moments of all A and B.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <hwy/aligned_allocator.h>

#include "adapter/lora_adapter.hpp"
#include "base/error.hpp"
#include "training/sparse_products.hpp"
#include "training/thread_pool.hpp"

namespace hyprstream {

// One factor's place in the arrays: entry (index, component) at begin + index * stride + component. The stride is the
// rank, rounded up; what lies beyond the rank is 0 and stays it.
struct FactorPlace {
  std::size_t begin = 0;
  std::size_t width = 0;  // of the layer's input (A) or output (B)
  std::size_t rank = 0;
  std::size_t stride = 0;

  std::size_t size() const noexcept { return width * stride; }
  std::size_t entries() const noexcept { return width * rank; }
};

struct PairPlace {
  LinearId id;
  float scaling = 0;
  FactorPlace a, b;
};

// Not thread-safe.
class TrainableAdapter {
 public:
  // Errors: kResourceExhausted (values, gradients and moments do not fit in memory).
  static Result<TrainableAdapter> create(const LoraAdapter& start);

  const AdapterDescription& description() const noexcept { return description_; }
  std::span<const PairPlace> pairs() const noexcept { return pairs_; }
  const PairPlace* find(LinearId id) const noexcept;
  void set_id(std::string_view id) { description_.id = id; }
  // Whether there is an entry of a factor at this place of the arrays, or only room.
  bool is_entry(std::size_t place) const noexcept;

  // ---- Of all factors in one ----
  std::span<float> values() noexcept { return values_; }
  std::span<const float> values() const noexcept { return values_; }
  std::span<float> gradients() noexcept { return gradients_; }
  std::span<float> first_moments() noexcept { return first_moments_; }
  std::span<const float> first_moments() const noexcept { return first_moments_; }
  std::span<float> second_moments() noexcept { return second_moments_; }
  std::span<const float> second_moments() const noexcept { return second_moments_; }
  // 1 where an entry takes part, 0 where it is pruned (training/pruning.hpp).
  std::span<std::uint8_t> alive() noexcept { return alive_; }
  std::span<const std::uint8_t> alive() const noexcept { return alive_; }

  std::size_t entries() const noexcept { return entries_; }
  std::size_t alive_entries() const noexcept;
  double sparsity() const noexcept;

  // Once the mask changes no more, products and gradients are of the living entries only, if those are few; else of all
  // entries. `false` takes it back.
  void follow_mask(bool is_final);

  // The rows of `columns` tokens; y[out][columns] += scaling * B * (A * x), and `hidden` [rank, rounded up][columns] is
  // kept for the backward pass.
  void apply(ThreadPool& pool, const PairPlace& pair, const float* x, std::size_t columns, float* hidden,
             float* y) const;
  // Adds to the gradients of A and B, and to dx[in][columns] unless it is null.
  void backward(ThreadPool& pool, const PairPlace& pair, const float* x, const float* hidden, const float* dy,
                std::size_t columns, float* dx);

  // What does not take part is zero in it. Errors: kInternal (a value that is not finite).
  Result<LoraAdapter> to_adapter() const;

 private:
  // A pair's living entries: by what they add up to in A * x and B^T * dy, and in B * h and A^T * dh.
  struct SparsePair {
    SparseRows a_by_component, a_by_index, b_by_component, b_by_index;
  };

  TrainableAdapter() = default;

  SparseRows rows_of(const FactorPlace& factor, bool by_component) const;
  const SparsePair* sparse(const PairPlace& pair) const noexcept {
    return sparse_pairs_.empty() ? nullptr : &sparse_pairs_[static_cast<std::size_t>(&pair - pairs_.data())];
  }

  AdapterDescription description_;
  std::vector<PairPlace> pairs_;
  std::size_t entries_ = 0;
  hwy::AlignedVector<float> values_, gradients_, first_moments_, second_moments_;
  std::vector<std::uint8_t> alive_;
  std::vector<SparsePair> sparse_pairs_;                // as pairs_, or empty
  hwy::AlignedVector<float> hidden_gradient_, turned_;  // memory of backward()
};

}  // namespace hyprstream
