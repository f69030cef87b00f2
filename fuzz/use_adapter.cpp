#include "use_adapter.hpp"

#include <cmath>
#include <cstdlib>
#include <vector>

namespace hyprstream {
namespace {

constexpr std::size_t kMostEntries = std::size_t{1} << 16;

void require(bool condition) {
  if (!condition) std::abort();
}

void use_factor(const LoraFactor& factor) {
  std::size_t seen = 0;
  for (std::size_t r = 0; r < factor.rank(); ++r) {
    const auto [indices, values] = factor.component(r);
    require(indices.size() == values.size());
    for (std::size_t k = 0; k < values.size(); ++k) {
      require(indices[k] < factor.width() && (k == 0 || indices[k - 1] < indices[k]));
      require(std::isfinite(values[k]) && values[k] != 0);
    }
    seen += values.size();
  }
  require(seen == factor.nnz() && seen <= factor.entries());
  if (factor.entries() > kMostEntries) return;
  const auto again = LoraFactor::from_dense(factor.to_dense(), factor.rank(), factor.width());
  require(again && *again == factor);
}

}  // namespace

void use_adapter(const LoraAdapter& adapter) {
  require(!adapter.pairs().empty());
  for (const auto& pair : adapter.pairs()) {
    require(std::isfinite(pair.scaling) && pair.a.rank() == pair.b.rank() && pair.rank() > 0);
    require(adapter.find(pair.id) == &pair);
    use_factor(pair.a);
    use_factor(pair.b);
    if (pair.in() * pair.out() > kMostEntries) continue;
    std::vector<float> weight(pair.in() * pair.out());
    require(apply_to_weight(pair, weight).has_value());
  }
  require(adapter.sparsity() >= 0 && adapter.sparsity() <= 1);
  require(is_uuid(adapter.id()));
}

}  // namespace hyprstream
