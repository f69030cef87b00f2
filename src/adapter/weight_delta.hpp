// What adapters add to one weight, row by row of W: the sum of scale * scaling * B * A.
#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "adapter/lora_adapter.hpp"

namespace hyprstream {

// One adapter's share in a weight.
struct ScaledPair {
  const LoraPair* pair = nullptr;
  float scale = 1;
};

// Immutable, const access is thread-safe. The pairs must outlive it.
class WeightDelta {
 public:
  // At least one pair, all of one weight and shape.
  explicit WeightDelta(std::span<const ScaledPair> pairs);

  std::size_t in() const noexcept { return in_; }
  std::size_t out() const noexcept { return begins_.size() - 1; }

  // Whether row `row` of the delta can be other than zero.
  bool touches(std::size_t row) const noexcept { return begins_[row] != begins_[row + 1]; }
  // The row, [in], in double precision: what it is added to is then rounded once.
  void row(std::size_t row, std::span<double> delta) const noexcept;

 private:
  // One non-zero of B, and the row of A that it takes.
  struct Term {
    LoraComponent a;
    double factor = 0;  // B's value times all scales
  };

  std::size_t in_ = 0;
  std::vector<std::size_t> begins_;  // [out + 1] into terms_
  std::vector<Term> terms_;          // by row
};

}  // namespace hyprstream
