// Adapters with random weights for the tests of this folder.
#pragma once

#include <memory>
#include <random>

#include "adapter/lora_adapter.hpp"

namespace hyprstream::testing_support {

// A and B normal, each entry there with probability `density`; scaling 2.
LoraPair random_pair(LinearId id, std::size_t rank, std::size_t in, std::size_t out, double density,
                     std::mt19937& random);

// On all the base's target weights, or on those of some modules. `size`: standard deviation of the entries.
std::shared_ptr<const LoraAdapter> random_adapter(const BaseModel& base, std::size_t rank, double density,
                                                  unsigned seed, float size = 0.05F,
                                                  const std::vector<LinearModule>& modules = {});

}  // namespace hyprstream::testing_support
