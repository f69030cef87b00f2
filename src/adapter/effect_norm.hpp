// How large an adapter's change of a weight is.
#pragma once

#include "adapter/lora_adapter.hpp"

namespace hyprstream {

// The Frobenius norm of scaling * B * A, from the non-zeros: the dense product is never made.
double effect_norm(const LoraPair& pair);

}  // namespace hyprstream
