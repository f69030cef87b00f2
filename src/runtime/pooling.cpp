#include "runtime/pooling.hpp"

#include <cmath>
#include <numeric>

namespace hyprstream {

std::vector<std::int32_t> EmbeddingPool::wanted(int begin, int count) const {
  if (type_ == PoolingType::kFirst) return begin == 0 ? std::vector<std::int32_t>{0} : std::vector<std::int32_t>{};
  if (type_ == PoolingType::kLast)
    return begin + count == tokens_ ? std::vector<std::int32_t>{count - 1} : std::vector<std::int32_t>{};
  std::vector<std::int32_t> everywhere(static_cast<std::size_t>(count));
  std::iota(everywhere.begin(), everywhere.end(), 0);
  return everywhere;
}

void EmbeddingPool::add(std::span<const float> hidden) {
  sum_.resize(hidden.size());
  for (std::size_t i = 0; i < hidden.size(); ++i) sum_[i] += static_cast<double>(hidden[i]);
}

std::vector<float> EmbeddingPool::result() const {
  const double length = std::sqrt(std::inner_product(sum_.begin(), sum_.end(), sum_.begin(), 0.0));
  std::vector<float> embedding(sum_.size(), 0.0F);
  if (length > 0)
    for (std::size_t i = 0; i < sum_.size(); ++i) embedding[i] = static_cast<float>(sum_[i] / length);
  return embedding;
}

}  // namespace hyprstream
