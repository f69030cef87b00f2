// What is to be known of a training run, and how it stands as run.json in the run's directory (docs/training.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "training_job/learning_rate.hpp"

namespace hyprstream {

// When an adapter's version goes into the store. Whatever is measured on no validation data goes there at the end.
enum class PublishPolicy : std::uint8_t {
  kBest,      // whenever the validation loss is the best so far and below the base model's, at the asked sparsity; at
              // the end if that was never so
  kEnd,       // once, after the last step
  kImproved,  // as kBest, and not at all if that was never so: for whoever serves what is stored
};

// How often a run that says nothing else goes through its examples: a handful of them makes so few steps that three
// epochs would teach nothing.
inline constexpr double kEpochs = 3;
inline constexpr std::size_t kLeastSteps = 100;

// Where none is asked for: what is usual for LoRA, and for a sparse adapter, whose few values have farther to go, five
// times that (docs/training.md).
constexpr double default_learning_rate(double sparsity) noexcept { return sparsity > 0 ? 1e-3 : 2e-4; }

// Everything that a run depends on; with the same options and data it comes to the same adapter.
struct TrainingRunOptions {
  std::string name;                       // of the adapter
  std::string base;                       // path of the model's GGUF
  std::string data;                       // path of the examples, JSONL
  std::optional<std::string> validation;  // path of those to measure on
  // Without a file of its own: share of the examples that is held out to measure on, 0 to below 1; at most 200.
  double validation_split = 0.1;

  std::size_t rank = 64;
  double alpha = 128;
  std::string target_modules = "all";
  double sparsity = 0.99;

  double epochs = 0;                      // 0: kEpochs, or what kLeastSteps take if that is more
  std::optional<std::size_t> iterations;  // optimizer steps, instead of epochs
  std::size_t batch_size = 4;
  std::size_t accumulation_steps = 1;
  std::size_t max_tokens = 512;  // of one example
  bool truncate = false;
  bool mask_prompt = true;

  double learning_rate = default_learning_rate(0.99);
  LearningRateSchedule schedule = LearningRateSchedule::kCosine;
  double warmup = 0.05;
  double weight_decay = 0;
  double max_grad_norm = 1;
  std::uint64_t seed = 0;

  std::size_t steps_per_eval = 0;     // 0: once an epoch
  std::size_t save_every = 0;         // steps; 0: as steps_per_eval
  double most_unsaved_seconds = 300;  // of training, after which it is saved anyway; not part of the record
  std::size_t steps_per_report = 0;   // 0: 20 reports in all
  std::size_t kept_checkpoints = 2;   // at least 1
  PublishPolicy publish = PublishPolicy::kBest;
  int threads = 0;  // 0: one per core
};

enum class RunStatus : std::uint8_t {
  kQueued,       // waits for its turn in a server
  kRunning,      // or its process was killed: then nobody holds the run's lock
  kInterrupted,  // stopped and saved, to be resumed
  kSucceeded,
  kFailed,
  kCancelled,
};
std::string_view run_status_name(RunStatus status) noexcept;  // "queued", ...

// A version that went into the store.
struct PublishedVersion {
  std::string adapter;  // "pirate@2"
  std::size_t step = 0;
  double train_loss = 0;
  std::optional<double> validation_loss;
  std::string created_at;
};

struct TrainingRunRecord {
  std::string id;  // "run-" and 24 hexadecimal digits; a server's "ftjob-" and as many
  RunStatus status = RunStatus::kRunning;
  std::string error;  // of kFailed
  TrainingRunOptions options;

  std::string created_at;        // RFC 3339, UTC
  std::uint64_t created_ns = 0;  // the same as nanoseconds since 1970: the order of those of one second
  std::string updated_at;
  std::string finished_at;  // empty: not yet

  std::string base_sha256;   // of the model's header
  std::string data_sha256;   // of the encoded examples, both kinds; empty: not read yet
  std::size_t examples = 0;  // trained on
  std::size_t validation_examples = 0;
  std::size_t step = 0;         // done and saved, or done in all
  std::size_t total_steps = 0;  // 0: not known yet
  std::size_t trained_tokens = 0;
  double seconds = 0;                          // of training, all sessions together
  std::optional<double> train_loss;            // mean since the last report
  std::optional<double> base_validation_loss;  // without an adapter
  std::optional<double> validation_loss;       // the last one measured
  std::optional<double> best_validation_loss;  // at the asked sparsity
  std::size_t best_step = 0;
  std::size_t evaluated_step = 0;  // that validation_loss is of
  std::size_t idle_starts = 0;     // how often it began without coming to a checkpoint since the last one
  double sparsity = 0;
  std::vector<PublishedVersion> published;  // oldest first

  // What a server was asked for with it; null otherwise.
  nlohmann::ordered_json request;
};

std::string format_run_record(const TrainingRunRecord& record);
// Errors: kCorrupt, naming `what` and the field.
Result<TrainingRunRecord> parse_run_record(std::string_view text, std::string_view what);

// "run-0123456789abcdef01234567".
std::string fresh_run_id(std::string_view prefix);
bool is_run_id(std::string_view text) noexcept;

}  // namespace hyprstream
