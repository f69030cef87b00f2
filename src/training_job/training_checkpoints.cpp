// What a training job saves, and how it goes on from that.
#include <chrono>
#include <format>
#include <ranges>
#include <utility>

#include "training_job/training_job.hpp"

namespace hyprstream {

namespace {
using Kind = TrainingEvent::Kind;
}  // namespace

Result<void> TrainingJob::load_newest_checkpoint() {
  auto steps = run_.checkpoints();
  Result<void> loaded;
  for (const auto step : std::views::reverse(steps)) {
    auto checkpoint = run_.load_checkpoint(step);
    loaded = checkpoint ? trainer_->load_state(checkpoint->state) : std::unexpected(checkpoint.error());
    if (loaded) {
      // It stands for what the run is; how it fares is told by its own record.
      checkpoint->record.request = std::move(run_.record().request);
      checkpoint->record.idle_starts = run_.record().idle_starts;
      run_.record() = std::move(checkpoint->record);
      // A newer one that could not be loaded would be taken for this run's own when it comes to that step again.
      run_.remove_checkpoints_after(step);
      return {};
    }
    trouble_ = std::format("checkpoint-{} cannot be used: {}", step, loaded.error().message);
  }
  // With none at all the run begins anew.
  if (steps.empty()) {
    run_.record().step = 0;
    run_.record().trained_tokens = 0;
  }
  return loaded;
}

bool TrainingJob::is_save_due() const noexcept {
  const std::chrono::duration<double> unsaved = Clock::now() - saved_at_;
  return run_.record().step % save_every_ == 0 || unsaved.count() >= run_.record().options.most_unsaved_seconds;
}

void TrainingJob::save_checkpoint(const TrainingEventSink& sink) {
  add_time();
  saved_at_ = timed_until_;  // also if it fails: the next one is tried in time
  run_.record().updated_at = utc_now();
  run_.record().idle_starts = 0;
  const auto state = trainer_->save_state();
  const auto saved = state ? run_.save_checkpoint(*state) : std::unexpected(state.error());
  if (saved) return emit({.kind = Kind::kCheckpoint}, sink);
  emit({.kind = Kind::kWarning,
        .message = std::format("step {} is not saved ({}); training goes on, and the next checkpoint is tried in "
                               "time",
                               run_.record().step, saved.error().message)},
       sink);
}

Result<RunStatus> TrainingJob::save_and_stop(const TrainingEventSink& sink) {
  trainer_->clear_interrupt();
  auto& record = run_.record();
  add_time();
  record.status = RunStatus::kInterrupted;
  record.updated_at = utc_now();
  record.idle_starts = 0;
  if (record.step > 0) {
    const auto kept = run_.checkpoints();
    HYPRSTREAM_ASSIGN(const auto state, trainer_->save_state());
    HYPRSTREAM_TRY(run_.save_checkpoint(state).transform_error([&](Error error) {
      error.message = std::format("step {} could not be saved: {}; {}", record.step, error.message,
                                  kept.empty() ? std::string("the run can only begin anew")
                                               : std::format("the run can go on from step {}", kept.back()));
      return error;
    }));
  } else {
    HYPRSTREAM_TRY(run_.save_record());
  }
  emit({.kind = Kind::kStopped}, sink);
  return RunStatus::kInterrupted;
}

}  // namespace hyprstream
