// From a run's options to a job that is ready to run.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adapter/base_model.hpp"
#include "base/error.hpp"
#include "runtime/model_text.hpp"
#include "training_data/example_encoding.hpp"
#include "training_job/training_job.hpp"

namespace hyprstream {

// Whether options make sense, before anything is read. Errors: kInvalidArgument, naming the option; check_trainable().
Result<void> check_run_options(const TrainingRunOptions& options);

// Whether such an adapter can be made for the base, trained with the memory there is, and stored, before any data are
// read. Errors: those of parse_target_modules(); kInvalidArgument (a rank above the layers' width, a sparsity that
// leaves nothing, fewer --iters than pruning takes, a name whose adapter is of another model), kResourceExhausted.
Result<void> check_adapter_options(const TrainingRunOptions& options, const BaseModel& base, const AdapterStore& store);

struct ReadData {
  TrainingData data;
  std::size_t most_tokens = 0;        // that an example could have
  std::size_t truncated = 0;          // examples that were cut
  std::size_t target_tokens = 0;      // of the training examples
  std::size_t unlearned_answers = 0;  // as in EncodedExamples
};

// Which of so many examples are held out to measure on: the share, at most 200 and not all; in ascending order.
std::vector<std::size_t> held_out_places(std::size_t examples, double share, std::uint64_t seed);

// Reads and encodes what the run trains on and is measured on; an example may have no more tokens than the model's
// context, whatever the options say. Errors: those of read_examples() and encode_examples().
Result<ReadData> read_training_data(const ModelText& model, const TrainingRunOptions& options,
                                    const EncodingProgress& progress = {});
// The same with `examples` in place of what options.data names; `remedy`: as in EncodingOptions.
Result<ReadData> read_training_data(const ModelText& model, const TrainingRunOptions& options,
                                    const ExampleFile& examples, const EncodingProgress& progress,
                                    std::string_view remedy = EncodingOptions().remedy);

// What the trainer is created with, for so many steps. Errors: those of parse_target_modules(); kInvalidArgument (fewer
// steps than pruning takes).
Result<LoraTrainingOptions> trainer_options(const TrainingRunOptions& options, const BaseModel& base,
                                            std::size_t steps);

// A new run's record: id, times and the base's digest. `id_prefix`: "run-" or "ftjob-".
TrainingRunRecord new_run_record(const TrainingRunOptions& options, const BaseModel& base, std::string_view id_prefix);

// The trainer for the run, and the job with what the newest checkpoint holds.
// Errors: kInvalidArgument (the model is not the one that the run began with), and those of LoraTrainer::create() and
// TrainingJob::create().
Result<std::unique_ptr<TrainingJob>> make_training_job(TrainingRun run, const BaseModel& base, TrainingData data,
                                                       const AdapterStore& store);

// The same for a run that is new; nothing is left of it in the store if it cannot begin. `rows`: as
// TrainingRunStore::create() takes them. Errors: as above, and those of
// TrainingRunStore::create().
Result<std::unique_ptr<TrainingJob>> start_training_job(const TrainingRunStore& runs, TrainingRunRecord record,
                                                        const BaseModel& base, TrainingData data,
                                                        const AdapterStore& store, std::string_view rows = {});

}  // namespace hyprstream
