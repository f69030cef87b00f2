#include "adapter/weight_delta.hpp"

#include <algorithm>
#include <numeric>

namespace hyprstream {
namespace {

// Calls visit(row of W, row of A, factor) for each non-zero of B that has something to act on.
void for_each_term(std::span<const ScaledPair> pairs, auto&& visit) {
  for (const auto& [pair, scale] : pairs) {
    const double factor = static_cast<double>(scale) * static_cast<double>(pair->scaling);
    if (factor == 0) continue;
    for (std::size_t r = 0; r < pair->rank(); ++r) {
      const auto a = pair->a.component(r);
      if (a.values.empty()) continue;
      const auto b = pair->b.component(r);
      for (std::size_t k = 0; k < b.values.size(); ++k)
        visit(std::size_t{b.indices[k]}, a, factor * static_cast<double>(b.values[k]));
    }
  }
}

}  // namespace

WeightDelta::WeightDelta(std::span<const ScaledPair> pairs)
    : in_(pairs.front().pair->in()), begins_(pairs.front().pair->out() + 1) {
  for_each_term(pairs, [this](std::size_t row, const LoraComponent&, double) { ++begins_[row + 1]; });
  std::partial_sum(begins_.begin(), begins_.end(), begins_.begin());
  terms_.resize(begins_.back());
  auto next = begins_;
  for_each_term(pairs, [&](std::size_t row, const LoraComponent& a, double factor) {
    terms_[next[row]++] = {.a = a, .factor = factor};
  });
}

void WeightDelta::row(std::size_t row, std::span<double> delta) const noexcept {
  std::ranges::fill(delta, 0.0);
  for (std::size_t t = begins_[row]; t < begins_[row + 1]; ++t) {
    const auto& [a, factor] = terms_[t];
    for (std::size_t k = 0; k < a.values.size(); ++k) delta[a.indices[k]] += factor * static_cast<double>(a.values[k]);
  }
}

}  // namespace hyprstream
