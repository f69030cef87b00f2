// Training as a whole: steps, evaluations, checkpoints and published versions.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "adapter_files/adapter_store.hpp"
#include "base/error.hpp"
#include "training/lora_trainer.hpp"
#include "training_data/batch_plan.hpp"
#include "training_job/run_store.hpp"
#include "training_job/training_event.hpp"

namespace hyprstream {

struct TrainingData {
  std::vector<TrainingExample> training;    // at least one
  std::vector<TrainingExample> validation;  // may be empty: then nothing is measured
};

// Optimizer steps that a run takes in all: those asked for, or those of its epochs.
std::size_t total_steps(const TrainingRunOptions& options, std::size_t examples);

// One run, from where it stands to its end. Not thread-safe but for stop().
//
// The run goes on bit by bit from its newest checkpoint, so that however often it is stopped or killed it comes to the
// adapter that it would have come to at once.
class TrainingJob {
 public:
  // `trainer`: as created for the run, not trained yet; what it has learned is loaded from the newest checkpoint that
  // is sound. Errors: kInvalidArgument (no examples; the data are not those that the run
  // began with), those of LoraTrainer::load_state() for every checkpoint.
  static Result<std::unique_ptr<TrainingJob>> create(TrainingRun run, std::unique_ptr<LoraTrainer> trainer,
                                                     TrainingData data, AdapterStore store);

  // Until the last step, or stop(): then the run is saved, and its status is kInterrupted. kFailed: with
  // PublishPolicy::kImproved nothing was better than the base model, and nothing was stored. Events also go to the
  // run's directory. A checkpoint that cannot be written is a warning, and the next one is tried in time. Called once.
  // Errors: those of LoraTrainer::step() and AdapterStore; checkpoints then stay, and the run can go on unless it
  // would fail again (kInternal: the loss is not finite).
  Result<RunStatus> run(const TrainingEventSink& sink);

  // Ends run() within a moment. From any thread, or a signal handler.
  void stop() noexcept;

  const TrainingRunRecord& record() const noexcept { return run_.record(); }
  TrainingRun& training_run() noexcept { return run_; }

 private:
  using Clock = std::chrono::steady_clock;

  TrainingJob(TrainingRun run, std::unique_ptr<LoraTrainer> trainer, TrainingData data, AdapterStore store);

  Result<void> load_newest_checkpoint();
  Result<RunStatus> train(const TrainingEventSink& sink);
  Result<TrainingStep> take_step(std::size_t step);
  Error with_remedy(Error error, std::size_t step) const;
  bool is_save_due() const noexcept;
  Result<void> measure_base(const TrainingEventSink& sink);
  // Once for each step at which it is due; publishes what is best so far.
  Result<void> evaluate_if_due(const TrainingEventSink& sink);
  Result<void> publish(const TrainingEventSink& sink);
  // What is there if nothing was published so far; not what is worse than the base model, for kImproved.
  Result<void> publish_at_end(const TrainingEventSink& sink);
  Result<RunStatus> end_without_a_version(const TrainingEventSink& sink);
  void save_checkpoint(const TrainingEventSink& sink);
  Result<RunStatus> save_and_stop(const TrainingEventSink& sink);
  void report(const TrainingStep& step, double learning_rate, const TrainingEventSink& sink);
  void emit(TrainingEvent event, const TrainingEventSink& sink);
  void add_time() noexcept;

  TrainingRun run_;
  std::unique_ptr<LoraTrainer> trainer_;
  TrainingData data_;
  AdapterStore store_;
  BatchPlan plan_;
  LearningRate learning_rate_;
  std::size_t steps_per_eval_ = 1;
  std::size_t save_every_ = 1;
  std::size_t steps_per_report_ = 1;
  std::atomic<bool> stopped_ = false;

  std::string trouble_;  // with loading a checkpoint, to be told when run() begins
  Clock::time_point timed_until_;
  Clock::time_point saved_at_;
  double session_seconds_ = 0;  // spent in steps
  std::size_t session_tokens_ = 0;
  std::size_t session_steps_ = 0;
  double report_loss_ = 0;  // sum over the steps since the last report
  std::size_t report_steps_ = 0;
};

}  // namespace hyprstream
