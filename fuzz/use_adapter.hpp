// What a fuzzer does with an adapter that a loader let through.
#pragma once

#include "adapter/lora_adapter.hpp"

namespace hyprstream {

// Ends the process if what LoraAdapter and LoraFactor promise does not hold.
void use_adapter(const LoraAdapter& adapter);

}  // namespace hyprstream
