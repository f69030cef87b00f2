#include "adapter/effect_norm.hpp"

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <vector>

namespace hyprstream {
namespace {

double dot(LoraComponent a, LoraComponent b) {
  double sum = 0;
  for (std::size_t i = 0, k = 0; i < a.indices.size() && k < b.indices.size();) {
    if (a.indices[i] < b.indices[k])
      ++i;
    else if (b.indices[k] < a.indices[i])
      ++k;
    else
      sum += static_cast<double>(a.values[i++]) * static_cast<double>(b.values[k++]);
  }
  return sum;
}

// ||B A||^2 = sum over components r, s of (A_r . A_s) (B_r . B_s): cheap for few components.
double squared_by_gram(const LoraPair& pair, const std::vector<std::size_t>& components) {
  double sum = 0;
  for (std::size_t i = 0; i < components.size(); ++i)
    for (std::size_t k = 0; k <= i; ++k) {
      const double product = dot(pair.a.component(components[i]), pair.a.component(components[k])) *
                             dot(pair.b.component(components[i]), pair.b.component(components[k]));
      sum += (i == k ? 1 : 2) * product;
    }
  return sum;
}

// The non-zeros of B A one by one: cheap for many components with few non-zeros each.
double squared_by_entries(const LoraPair& pair, const std::vector<std::size_t>& components) {
  std::unordered_map<std::uint64_t, double> entries;
  for (const std::size_t r : components) {
    const auto a = pair.a.component(r);
    const auto b = pair.b.component(r);
    for (std::size_t o = 0; o < b.values.size(); ++o)
      for (std::size_t i = 0; i < a.values.size(); ++i)
        entries[(std::uint64_t{b.indices[o]} << 16) | a.indices[i]] +=
            static_cast<double>(b.values[o]) * static_cast<double>(a.values[i]);
  }
  double sum = 0;
  for (const auto& [place, value] : entries) sum += value * value;
  return sum;
}

}  // namespace

double effect_norm(const LoraPair& pair) {
  std::vector<std::size_t> components;  // those that are not zero on either side
  double entry_steps = 0;
  std::size_t non_zeros = 0;
  for (std::size_t r = 0; r < pair.rank(); ++r) {
    const std::size_t a = pair.a.component(r).values.size();
    const std::size_t b = pair.b.component(r).values.size();
    if (a == 0 || b == 0) continue;
    components.push_back(r);
    entry_steps += static_cast<double>(a) * static_cast<double>(b);
    non_zeros += a + b;
  }
  constexpr double kHashCost = 20;  // against a step of dot()
  const double gram_steps = static_cast<double>(components.size()) * static_cast<double>(non_zeros);
  const double squared =
      gram_steps <= kHashCost * entry_steps ? squared_by_gram(pair, components) : squared_by_entries(pair, components);
  return std::abs(static_cast<double>(pair.scaling)) * std::sqrt(std::max(0.0, squared));
}

}  // namespace hyprstream
