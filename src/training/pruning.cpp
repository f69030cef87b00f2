#include "training/pruning.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <span>
#include <vector>

namespace hyprstream {
namespace {

// The 2-norm of each component.
std::vector<float> component_norms(const FactorPlace& factor, std::span<const float> values) {
  std::vector<double> sums(factor.rank);
  for (std::size_t i = 0; i < factor.width; ++i)
    for (std::size_t r = 0; r < factor.rank; ++r) {
      const auto value = static_cast<double>(values[factor.begin + i * factor.stride + r]);
      sums[r] += value * value;
    }
  std::vector<float> norms(factor.rank);
  std::ranges::transform(sums, norms.begin(), [](double sum) { return static_cast<float>(std::sqrt(sum)); });
  return norms;
}

// Writes the scores of one factor's entries.
void score(const FactorPlace& factor, std::span<const float> values, std::span<const float> partner, float scaling,
           std::span<float> scores) {
  for (std::size_t i = 0; i < factor.width; ++i)
    for (std::size_t r = 0; r < factor.rank; ++r) {
      const std::size_t at = factor.begin + i * factor.stride + r;
      scores[at] = std::abs(values[at]) * partner[r] * std::abs(scaling);
    }
}

}  // namespace

double scheduled_sparsity(const LoraTrainingOptions& options, std::size_t step) noexcept {
  const auto total = static_cast<double>(options.total_steps);
  const double begin = options.prune_begin * total, end = options.prune_end * total;
  const auto now = static_cast<double>(step);
  if (now >= end) return options.sparsity;
  if (now <= begin) return 0;
  const double left = 1 - (now - begin) / (end - begin);
  return options.sparsity * (1 - left * left * left);
}

void prune_to(ThreadPool& pool, TrainableAdapter& adapter, std::size_t kept) {
  const auto values = adapter.values();
  const auto alive = adapter.alive();
  if (adapter.alive_entries() <= kept) return;
  std::vector<float> scores(values.size());
  pool.run(adapter.pairs().size(), [&](std::size_t index, int /*worker*/) {
    const auto& pair = adapter.pairs()[index];
    score(pair.a, values, component_norms(pair.b, values), pair.scaling, scores);
    score(pair.b, values, component_norms(pair.a, values), pair.scaling, scores);
  });
  std::vector<float> ranking;
  ranking.reserve(adapter.alive_entries());
  for (std::size_t i = 0; i < scores.size(); ++i)
    if (alive[i] != 0) ranking.push_back(scores[i]);
  float threshold = std::numeric_limits<float>::infinity();
  std::size_t ties = 0;
  if (kept > 0) {
    const auto last = ranking.begin() + static_cast<std::ptrdiff_t>(kept - 1);
    std::ranges::nth_element(ranking, last, std::greater<>());
    threshold = *last;
    ties =
        kept - static_cast<std::size_t>(std::count_if(ranking.begin(), last, [&](float s) { return s > threshold; }));
  }
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (alive[i] == 0 || scores[i] > threshold) continue;
    if (scores[i] == threshold && ties > 0) {
      --ties;
      continue;
    }
    alive[i] = 0;
    values[i] = adapter.first_moments()[i] = adapter.second_moments()[i] = 0;
  }
}

}  // namespace hyprstream
