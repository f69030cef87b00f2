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
void score(const FactorPlace& factor, std::span<const float> values, std::span<const float> second_moments,
           std::span<const float> partner, float scaling, std::span<float> scores) {
  for (std::size_t i = 0; i < factor.width; ++i)
    for (std::size_t r = 0; r < factor.rank; ++r) {
      const std::size_t at = factor.begin + i * factor.stride + r;
      scores[at] = std::abs(values[at] * scaling) * partner[r] * std::sqrt(second_moments[at]);
    }
}

// The scores of all entries; -1 where there is room but no entry.
std::vector<float> score_all(ThreadPool& pool, TrainableAdapter& adapter) {
  const auto values = adapter.values();
  const auto moments = adapter.second_moments();
  std::vector<float> scores(values.size(), -1.0F);
  pool.run(adapter.pairs().size(), [&](std::size_t index, int /*worker*/) {
    const auto& pair = adapter.pairs()[index];
    score(pair.a, values, moments, component_norms(pair.b, values), pair.scaling, scores);
    score(pair.b, values, moments, component_norms(pair.a, values), pair.scaling, scores);
  });
  return scores;
}

}  // namespace

double scheduled_sparsity(const LoraTrainingOptions& options, std::size_t step) noexcept {
  const auto total = static_cast<double>(options.total_steps);
  const double begin = options.prune_begin * total, end = options.prune_end * total;
  const auto now = static_cast<double>(step);
  if (step == 0 || now < begin) return 0;
  if (now >= end) return options.sparsity;
  const double left = 1 - (now - begin) / (end - begin);
  return options.sparsity * (1 - left * left * left);
}

PruningPhase pruning_phase(const LoraTrainingOptions& options, std::size_t step) noexcept {
  const double sparsity = scheduled_sparsity(options, step);
  if (sparsity == 0) return PruningPhase::kBefore;
  return sparsity < options.sparsity ? PruningPhase::kDuring : PruningPhase::kAfter;
}

void choose_living(ThreadPool& pool, TrainableAdapter& adapter, std::size_t kept) {
  const auto scores = score_all(pool, adapter);
  const auto alive = adapter.alive();
  float threshold = std::numeric_limits<float>::infinity();
  std::size_t ties = 0;  // of those that score as much as the last one, how many live
  if (kept > 0) {
    auto ranking = scores;
    const auto last = ranking.begin() + static_cast<std::ptrdiff_t>(kept - 1);
    std::ranges::nth_element(ranking, last, std::greater<>());
    threshold = *last;
    ties =
        kept - static_cast<std::size_t>(std::count_if(ranking.begin(), last, [&](float s) { return s > threshold; }));
  }
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const bool ties_in = scores[i] == threshold && ties > 0;
    if (ties_in) --ties;
    alive[i] = scores[i] > threshold || ties_in ? 1 : 0;
  }
}

void wipe_pruned(TrainableAdapter& adapter) {
  const auto alive = adapter.alive();
  for (std::size_t i = 0; i < alive.size(); ++i)
    if (alive[i] == 0) adapter.values()[i] = adapter.first_moments()[i] = adapter.second_moments()[i] = 0;
}

SilentEntries::SilentEntries(TrainableAdapter& adapter, PruningPhase phase) : adapter_(adapter) {
  if (phase != PruningPhase::kDuring) return;
  const auto values = adapter.values();
  values_.assign(values.begin(), values.end());
  for (std::size_t i = 0; i < values.size(); ++i)
    if (adapter.alive()[i] == 0) values[i] = 0;
}

SilentEntries::~SilentEntries() { std::ranges::copy(values_, adapter_.values().begin()); }

}  // namespace hyprstream
