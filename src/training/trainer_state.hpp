// The state of a training run as bytes: adapter, masks, moments and step counter.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "training/lora_trainer.hpp"
#include "training/trainable_adapter.hpp"

namespace hyprstream {

// Only what lives is written: at 99% sparsity 1% of the values.
Result<std::string> write_trainer_state(const LoraTrainingOptions& options, const TrainableAdapter& adapter,
                                        std::size_t steps);

// Returns the steps done. On an error the adapter is as it was. Errors: kCorrupt (truncated or damaged; not written
// here), kInvalidArgument (of another model or other options; names the first that differs).
Result<std::size_t> read_trainer_state(std::string_view state, const LoraTrainingOptions& options,
                                       TrainableAdapter& adapter);

}  // namespace hyprstream
