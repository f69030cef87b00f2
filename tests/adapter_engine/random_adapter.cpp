#include "random_adapter.hpp"

#include <algorithm>

#include "adapter/lora_init.hpp"

namespace hyprstream::testing_support {
namespace {

LoraFactor random_factor(std::size_t rank, std::size_t width, double density, float size, std::mt19937& random) {
  std::normal_distribution<float> normal(0, size);
  std::bernoulli_distribution is_there(density);
  std::vector<float> dense(rank * width);
  for (auto& value : dense) value = is_there(random) ? normal(random) : 0;
  return *LoraFactor::from_dense(dense, rank, width);
}

}  // namespace

LoraPair random_pair(LinearId id, std::size_t rank, std::size_t in, std::size_t out, double density,
                     std::mt19937& random) {
  return {.id = id,
          .scaling = 2,
          .a = random_factor(rank, in, density, 1, random),
          .b = random_factor(rank, out, density, 1, random)};
}

std::shared_ptr<const LoraAdapter> random_adapter(const BaseModel& base, std::size_t rank, double density,
                                                  unsigned seed, float size, const std::vector<LinearModule>& modules) {
  std::mt19937 random(seed);
  std::vector<LoraPair> pairs;
  AdapterDescription description{.id = make_uuid(),
                                 .name = "random-" + std::to_string(seed),
                                 .base = base,
                                 .rank = rank,
                                 .alpha = 2.0 * static_cast<double>(rank),
                                 .rank_stabilized = false,
                                 .target_modules = modules.empty() ? base.modules() : modules,
                                 .requested_sparsity = 0};
  std::erase_if(description.base.linears, [&](const LinearShape& linear) {
    return !std::ranges::contains(description.target_modules, linear.id.module);
  });
  for (const auto& [id, in, out] : description.base.linears)
    pairs.push_back({.id = id,
                     .scaling = 2,
                     .a = random_factor(rank, in, density, size, random),
                     .b = random_factor(rank, out, density, size, random)});
  return std::make_shared<const LoraAdapter>(*LoraAdapter::create(std::move(description), std::move(pairs)));
}

}  // namespace hyprstream::testing_support
