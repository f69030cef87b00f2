#include "training_job/training_job.hpp"

#include <algorithm>
#include <cmath>
#include <format>
#include <span>
#include <utility>

#include "base/sha256.hpp"
#include "training_data/example_encoding.hpp"
#include "training_job/trained_version.hpp"

namespace hyprstream {
namespace {

using Kind = TrainingEvent::Kind;

constexpr std::size_t kReports = 20;
std::vector<std::size_t> lengths_of(std::span<const TrainingExample> examples) {
  std::vector<std::size_t> lengths;
  for (const auto& example : examples) lengths.push_back(example.tokens.size());
  return lengths;
}

BatchOptions batch_options(const TrainingRunOptions& options) {
  return {.batch_size = options.batch_size, .accumulation_steps = options.accumulation_steps, .seed = options.seed};
}

std::size_t steps_per_epoch(const TrainingRunOptions& options, std::size_t examples) {
  const std::size_t each = options.batch_size * options.accumulation_steps;
  return (examples + each - 1) / each;
}

Result<std::string> digest_of(const TrainingData& data) {
  HYPRSTREAM_ASSIGN(const auto training, digest_examples(data.training));
  HYPRSTREAM_ASSIGN(const auto validation, digest_examples(data.validation));
  const std::string both = training + validation;
  return sha256_hex(std::as_bytes(std::span(both)));
}

constexpr std::string_view kImproveRemedy = "try a smaller learning rate, fewer epochs or more examples";

std::string did_not_improve(const TrainingRunRecord& record) {
  return std::format("the validation loss did not fall below the base model's: {:.4f} against {:.4f}",
                     record.validation_loss.value_or(0), record.base_validation_loss.value_or(0));
}

bool is_due(std::size_t step, std::size_t every) { return step > 0 && step % every == 0; }

}  // namespace

std::size_t total_steps(const TrainingRunOptions& options, std::size_t examples) {
  if (options.iterations) return std::max<std::size_t>(*options.iterations, 1);
  const bool is_given = options.epochs > 0;
  const double steps = (is_given ? options.epochs : kEpochs) * static_cast<double>(steps_per_epoch(options, examples));
  return std::max<std::size_t>(static_cast<std::size_t>(std::ceil(steps)), is_given ? 1 : kLeastSteps);
}

TrainingJob::TrainingJob(TrainingRun run, std::unique_ptr<LoraTrainer> trainer, TrainingData data, AdapterStore store)
    : run_(std::move(run)),
      trainer_(std::move(trainer)),
      data_(std::move(data)),
      store_(std::move(store)),
      plan_(lengths_of(data_.training), batch_options(run_.record().options)) {
  const auto& options = run_.record().options;
  const std::size_t total = total_steps(options, data_.training.size());
  learning_rate_ = {
      .peak = options.learning_rate, .schedule = options.schedule, .warmup = options.warmup, .total_steps = total};
  steps_per_eval_ = options.steps_per_eval > 0 ? options.steps_per_eval : plan_.steps_per_epoch();
  save_every_ = options.save_every > 0 ? options.save_every : steps_per_eval_;
  steps_per_report_ =
      options.steps_per_report > 0 ? options.steps_per_report : std::max<std::size_t>(total / kReports, 1);
}

Result<std::unique_ptr<TrainingJob>> TrainingJob::create(TrainingRun run, std::unique_ptr<LoraTrainer> trainer,
                                                         TrainingData data, AdapterStore store) {
  if (data.training.empty()) return fail(ErrorCode::kInvalidArgument, "there are no examples to train on");
  HYPRSTREAM_ASSIGN(const auto digest, digest_of(data));
  if (!run.record().data_sha256.empty() && run.record().data_sha256 != digest)
    return fail(ErrorCode::kInvalidArgument,
                std::format("{} is not what the run {} began with, so it cannot go on: put the old data back, or start "
                            "anew with --name",
                            run.record().options.data, run.record().id));
  std::unique_ptr<TrainingJob> job(
      new TrainingJob(std::move(run), std::move(trainer), std::move(data), std::move(store)));
  HYPRSTREAM_TRY(job->load_newest_checkpoint());
  auto& record = job->run_.record();
  record.status = RunStatus::kRunning;
  record.error.clear();
  record.finished_at.clear();
  record.data_sha256 = digest;
  record.examples = job->data_.training.size();
  record.validation_examples = job->data_.validation.size();
  record.total_steps = job->learning_rate_.total_steps;
  return job;
}

void TrainingJob::stop() noexcept {
  stopped_.store(true);
  trainer_->interrupt();
}

void TrainingJob::emit(TrainingEvent event, const TrainingEventSink& sink) {
  event.step = run_.record().step;
  event.total_steps = run_.record().total_steps;
  if (event.kind != Kind::kStep || event.is_report) {
    auto json = event_json(event);
    json["time"] = utc_now();
    // The log is for looking on; training does not depend on it.
    (void)run_.append_event(json);
  }
  if (sink) sink(event);
}

void TrainingJob::add_time() noexcept {
  const auto now = Clock::now();
  run_.record().seconds += std::chrono::duration<double>(now - timed_until_).count();
  timed_until_ = now;
}

Result<RunStatus> TrainingJob::run(const TrainingEventSink& sink) {
  timed_until_ = Clock::now();
  saved_at_ = timed_until_;
  run_.record().updated_at = utc_now();
  ++run_.record().idle_starts;
  // Whoever looks on sees it run; and a full disk is noticed before the work and not behind it.
  HYPRSTREAM_TRY(run_.save_record());
  emit({.kind = Kind::kStarted}, sink);
  if (!trouble_.empty()) emit({.kind = Kind::kWarning, .message = trouble_}, sink);
  auto status = train(sink);
  if (status) return status;
  auto& record = run_.record();
  if (status.error().code == ErrorCode::kCancelled && stopped_) return save_and_stop(sink);
  emit({.kind = Kind::kFailed, .message = status.error().message}, sink);
  if (status.error().code == ErrorCode::kInternal) {
    // To go on from the newest checkpoint would end here again: it stays for whoever wants to look.
    record.status = RunStatus::kFailed;
    record.error = status.error().message;
    record.updated_at = record.finished_at = utc_now();
    (void)run_.save_record();
  } else {
    // Such as a full disk: once that is put right the run can go on, from here if this can be saved.
    (void)save_and_stop({});
  }
  return status;
}

Result<RunStatus> TrainingJob::train(const TrainingEventSink& sink) {
  auto& record = run_.record();
  HYPRSTREAM_TRY(measure_base(sink));
  // It may have been stopped, or have failed, between a step and what was to follow.
  HYPRSTREAM_TRY(evaluate_if_due(sink));
  while (record.step < record.total_steps) {
    if (stopped_) return save_and_stop(sink);
    const double rate = learning_rate_.at(record.step);
    HYPRSTREAM_ASSIGN(const auto step, take_step(record.step));
    ++record.step;
    record.trained_tokens += step.tokens;
    record.sparsity = step.sparsity;
    report(step, rate, sink);
    HYPRSTREAM_TRY(evaluate_if_due(sink));
    if (is_save_due() && record.step < record.total_steps) save_checkpoint(sink);
  }
  HYPRSTREAM_TRY(publish_at_end(sink));
  if (record.published.empty()) return end_without_a_version(sink);
  add_time();
  record.status = RunStatus::kSucceeded;
  record.updated_at = record.finished_at = utc_now();
  HYPRSTREAM_TRY(run_.save_record());
  const auto& best = record.published.back();
  emit({.kind = Kind::kFinished,
        .sparsity = record.sparsity,
        .validation_loss = best.validation_loss,
        .base_validation_loss = record.base_validation_loss,
        .adapter = best.adapter},
       sink);
  // They were there to go on from.
  run_.remove_checkpoints();
  return RunStatus::kSucceeded;
}

// A loss that is not finite, wherever it shows.
Error TrainingJob::with_remedy(Error error, std::size_t step) const {
  if (error.code == ErrorCode::kInternal)
    error.message = std::format(
        "training went astray at step {} ({}): try --learning-rate {:g}, a longer --warmup or a smaller "
        "--max-grad-norm",
        step, error.message, run_.record().options.learning_rate / 4);
  return error;
}

Result<TrainingStep> TrainingJob::take_step(std::size_t step) {
  std::vector<std::vector<TrainingExample>> held;
  for (const auto& places : plan_.at(step)) {
    auto& examples = held.emplace_back();
    for (const auto place : places) examples.push_back(data_.training[place]);
  }
  const std::vector<MicroBatch> batches(held.begin(), held.end());
  const auto begin = Clock::now();
  const double rate = learning_rate_.at(step);
  HYPRSTREAM_ASSIGN(const auto taken, trainer_->step(batches, rate).transform_error([&](Error error) {
    return with_remedy(std::move(error), step + 1);
  }));
  session_seconds_ += std::chrono::duration<double>(Clock::now() - begin).count();
  session_tokens_ += taken.tokens;
  ++session_steps_;
  return taken;
}

void TrainingJob::report(const TrainingStep& step, double learning_rate, const TrainingEventSink& sink) {
  auto& record = run_.record();
  report_loss_ += step.loss;
  ++report_steps_;
  const bool is_report = is_due(record.step, steps_per_report_) || record.step == record.total_steps;
  const double mean = report_loss_ / static_cast<double>(report_steps_);
  const double seconds = std::max(session_seconds_, 1e-9);
  if (is_report) {
    record.train_loss = mean;
    report_loss_ = 0;
    report_steps_ = 0;
  }
  emit({.kind = Kind::kStep,
        .is_report = is_report,
        .loss = is_report ? mean : step.loss,
        .learning_rate = learning_rate,
        .grad_norm = step.grad_norm,
        .sparsity = step.sparsity,
        .tokens_per_second = static_cast<double>(session_tokens_) / seconds,
        .seconds_left =
            static_cast<double>(record.total_steps - record.step) * seconds / static_cast<double>(session_steps_),
        .trained_tokens = record.trained_tokens},
       sink);
}

Result<void> TrainingJob::measure_base(const TrainingEventSink& sink) {
  auto& record = run_.record();
  if (data_.validation.empty() || record.base_validation_loss) return {};
  HYPRSTREAM_ASSIGN(const auto result, trainer_->evaluate(data_.validation, /*with_adapter=*/false));
  record.base_validation_loss = result.loss;
  emit({.kind = Kind::kEvaluation, .base_validation_loss = result.loss}, sink);
  return {};
}

Result<void> TrainingJob::evaluate_if_due(const TrainingEventSink& sink) {
  auto& record = run_.record();
  const bool is_due_now = is_due(record.step, steps_per_eval_) || record.step == record.total_steps;
  if (data_.validation.empty() || !is_due_now || record.evaluated_step == record.step) return {};
  HYPRSTREAM_ASSIGN(const auto result,
                    trainer_->evaluate(data_.validation, /*with_adapter=*/true).transform_error([&](Error error) {
                      return with_remedy(std::move(error), record.step);
                    }));
  record.validation_loss = result.loss;
  const auto& to_beat = record.best_validation_loss ? record.best_validation_loss : record.base_validation_loss;
  const bool is_best = trainer_->is_pruned() && (!to_beat || result.loss < *to_beat);
  emit({.kind = Kind::kEvaluation,
        .validation_loss = result.loss,
        .base_validation_loss = record.base_validation_loss,
        .is_best = is_best},
       sink);
  if (is_best && record.options.publish != PublishPolicy::kEnd) HYPRSTREAM_TRY(publish(sink));
  if (is_best) {
    record.best_validation_loss = result.loss;
    record.best_step = record.step;
  }
  record.evaluated_step = record.step;
  return {};
}

Result<void> TrainingJob::publish_at_end(const TrainingEventSink& sink) {
  const auto& record = run_.record();
  if (record.options.publish != PublishPolicy::kEnd && !record.published.empty()) return {};
  if (record.validation_loss && record.base_validation_loss &&
      *record.validation_loss >= *record.base_validation_loss) {
    if (record.options.publish == PublishPolicy::kImproved) return {};
    emit(
        {.kind = Kind::kWarning,
         .message = std::format("{}; the adapter is stored all the same: {}", did_not_improve(record), kImproveRemedy)},
        sink);
  }
  return publish(sink);
}

Result<RunStatus> TrainingJob::end_without_a_version(const TrainingEventSink& sink) {
  auto& record = run_.record();
  add_time();
  record.status = RunStatus::kFailed;
  record.error = std::format("{}; no version was stored: {}", did_not_improve(record), kImproveRemedy);
  record.updated_at = record.finished_at = utc_now();
  HYPRSTREAM_TRY(run_.save_record());
  emit({.kind = Kind::kFailed, .message = record.error}, sink);
  run_.remove_checkpoints();
  return RunStatus::kFailed;
}

Result<void> TrainingJob::publish(const TrainingEventSink& sink) {
  auto& record = run_.record();
  if (!trainer_->is_pruned())
    return fail(ErrorCode::kInternal, std::format("the adapter is {:.2f}% sparse instead of {:.2f}%, and is not stored",
                                                  100 * record.sparsity, 100 * record.options.sparsity));
  HYPRSTREAM_ASSIGN(const auto adapter, trainer_->adapter());
  HYPRSTREAM_ASSIGN(const auto version, store_trained_version(store_, adapter, record));
  record.published.push_back({.adapter = version.reference(),
                              .step = record.step,
                              .train_loss = record.train_loss.value_or(0),
                              .validation_loss = record.validation_loss,
                              .created_at = utc_now()});
  emit({.kind = Kind::kPublished,
        .sparsity = record.sparsity,
        .validation_loss = record.validation_loss,
        .adapter = version.reference()},
       sink);
  return {};
}

}  // namespace hyprstream
