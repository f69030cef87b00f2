#include "adapter/sparsify.hpp"

#include <algorithm>
#include <cmath>
#include <format>
#include <functional>
#include <limits>
#include <utility>
#include <vector>

namespace hyprstream {
namespace {

// One float per non-zero of a factor, in its order.
using Scores = std::vector<float>;

// The 2-norm of each component.
std::vector<double> component_norms(const LoraFactor& factor) {
  std::vector<double> norms(factor.rank());
  for (std::size_t r = 0; r < norms.size(); ++r) {
    double sum = 0;
    for (const float value : factor.component(r).values) sum += static_cast<double>(value) * static_cast<double>(value);
    norms[r] = std::sqrt(sum);
  }
  return norms;
}

// `partner`: norms of what each component is multiplied with.
Scores contributions(const LoraFactor& factor, const std::vector<double>& partner, double scaling) {
  constexpr auto kMost = static_cast<double>(std::numeric_limits<float>::max());
  Scores scores;
  scores.reserve(factor.nnz());
  for (std::size_t r = 0; r < factor.rank(); ++r)
    for (const float value : factor.component(r).values)
      scores.push_back(
          static_cast<float>(std::min(kMost, std::abs(static_cast<double>(value)) * partner[r] * std::abs(scaling))));
  return scores;
}

Scores magnitudes(const LoraFactor& factor) {
  Scores scores(factor.nnz());
  std::ranges::transform(factor.values(), scores.begin(), [](float value) { return std::abs(value); });
  return scores;
}

// What stays of a ranking: everything above the threshold, and the first `ties` of those that equal it.
struct Cut {
  float threshold = 0;
  std::size_t ties = 0;
};

Cut find_cut(std::vector<float> scores, std::size_t kept) {
  if (kept >= scores.size()) return {.threshold = -1, .ties = 0};
  if (kept == 0) return {.threshold = std::numeric_limits<float>::infinity(), .ties = 0};
  const auto last = scores.begin() + static_cast<std::ptrdiff_t>(kept - 1);
  std::ranges::nth_element(scores, last, std::greater<>());
  const float threshold = *last;
  const auto above = std::count_if(scores.begin(), last, [threshold](float score) { return score > threshold; });
  return {.threshold = threshold, .ties = kept - static_cast<std::size_t>(above)};
}

Result<LoraFactor> apply_cut(const LoraFactor& factor, const Scores& scores, Cut& cut) {
  std::vector<float> values(factor.values().begin(), factor.values().end());
  for (std::size_t k = 0; k < values.size(); ++k) {
    if (scores[k] > cut.threshold) continue;
    if (scores[k] == cut.threshold && cut.ties > 0)
      --cut.ties;
    else
      values[k] = 0;
  }
  return factor.with_values(values);
}

}  // namespace

std::string_view prune_method_name(PruneMethod method) noexcept {
  return method == PruneMethod::kContribution ? "contribution" : "magnitude";
}

std::string_view prune_scope_name(PruneScope scope) noexcept {
  return scope == PruneScope::kAdapter ? "adapter" : "matrix";
}

std::size_t kept_entries(std::size_t entries, double sparsity) noexcept {
  const double wanted = sparsity * static_cast<double>(entries);
  // The product may be off by a rounding error: 0.07 * 100 is a little above 7, and 7 zeros are enough.
  const double nearest = std::round(wanted);
  const double zeros =
      nearest / static_cast<double>(entries) >= sparsity ? std::min(nearest, std::ceil(wanted)) : std::ceil(wanted);
  return entries - std::min(entries, static_cast<std::size_t>(zeros));
}

Result<LoraAdapter> sparsify(const LoraAdapter& adapter, const SparsifyOptions& options) {
  if (!(options.sparsity >= 0 && options.sparsity < 1))
    return fail(
        ErrorCode::kInvalidArgument,
        std::format("a sparsity of {} is not possible: give one from 0 to below 1, such as 0.99", options.sparsity));
  if (!adapter.changes_anything())
    return fail(ErrorCode::kInvalidArgument,
                std::format("adapter '{}' cannot be pruned: its B is zero, so that no entry matters more than another; "
                            "train it first (lora train)",
                            adapter.name()));
  std::vector<Scores> scores;  // A and B of each pair in turn
  for (const auto& pair : adapter.pairs()) {
    const bool is_magnitude = options.method == PruneMethod::kMagnitude;
    const auto scaling = static_cast<double>(pair.scaling);
    scores.push_back(is_magnitude ? magnitudes(pair.a) : contributions(pair.a, component_norms(pair.b), scaling));
    scores.push_back(is_magnitude ? magnitudes(pair.b) : contributions(pair.b, component_norms(pair.a), scaling));
  }
  Cut common;
  if (options.scope == PruneScope::kAdapter) {
    std::vector<float> all;
    all.reserve(adapter.nnz());
    for (const auto& part : scores) all.append_range(part);
    common = find_cut(std::move(all), kept_entries(adapter.entries(), options.sparsity));
  }
  const auto pruned = [&](const LoraFactor& factor, const Scores& own) {
    if (options.scope == PruneScope::kAdapter) return apply_cut(factor, own, common);
    auto cut = find_cut(own, kept_entries(factor.entries(), options.sparsity));
    return apply_cut(factor, own, cut);
  };
  std::vector<LoraPair> pairs;
  for (std::size_t i = 0; i < adapter.pairs().size(); ++i) {
    const auto& pair = adapter.pairs()[i];
    HYPRSTREAM_ASSIGN(auto a, pruned(pair.a, scores[2 * i]));
    HYPRSTREAM_ASSIGN(auto b, pruned(pair.b, scores[2 * i + 1]));
    pairs.push_back({.id = pair.id, .scaling = pair.scaling, .a = std::move(a), .b = std::move(b)});
  }
  auto description = adapter.description();
  description.requested_sparsity = options.sparsity;
  return LoraAdapter::create(std::move(description), std::move(pairs));
}

}  // namespace hyprstream
