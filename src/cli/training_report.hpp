// Before and after training: reading the data, and what has come of it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "adapter_files/adapter_store.hpp"
#include "base/error.hpp"
#include "terminal/interrupt.hpp"
#include "training_job/run_record.hpp"
#include "training_job/training_setup.hpp"

namespace hyprstream {

// What to do about an example with too many tokens, where these options are.
inline constexpr std::string_view kTooLongRemedy =
    "--truncate cuts it, and --max-seq-length allows more, up to the model's context";

// read_training_data(), with a progress line on a terminal, and ended by Ctrl-C.
Result<ReadData> read_training_data_shown(const TrainingRunOptions& options, const InterruptScope& interrupt);
// The same with `examples` in place of what options.data names.
Result<ReadData> read_training_data_shown(const TrainingRunOptions& options, const ExampleFile& examples,
                                          const InterruptScope& interrupt);

// A few lines: the losses, what is stored where, and how to run it.
std::string render_training_result(const AdapterStore& store, const TrainingRunRecord& record);
nlohmann::ordered_json training_result_json(const AdapterStore& store, const TrainingRunRecord& record);

// "hyprstream run bundled+pirate".
std::string run_command_for(const TrainingRunRecord& record);

}  // namespace hyprstream
