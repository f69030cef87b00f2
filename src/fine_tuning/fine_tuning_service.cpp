#include "fine_tuning/fine_tuning_service.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <format>
#include <mutex>
#include <ranges>
#include <set>
#include <thread>
#include <utility>

#include "training_job/training_setup.hpp"

namespace hyprstream {
namespace {

constexpr std::string_view kIdPrefix = "ftjob-";
// A training that the server did not survive so often is not tried again.
constexpr std::size_t kMostIdleStarts = 3;
constexpr std::array<std::string_view, 6> kStatusNames{"validating_files", "queued", "running",
                                                       "succeeded",        "failed", "cancelled"};

bool is_job(const TrainingRunRecord& run) { return run.id.starts_with(kIdPrefix); }

// Whether its data were read and found good.
bool is_validated(const TrainingRunRecord& run) { return run.examples > 0; }

nlohmann::ordered_json message_event(std::string_view kind, std::string_view message) {
  return {{"event", kind}, {"message", message}, {"time", utc_now()}};
}

// Threads that this one starts inherit it.
void set_niceness(int niceness) noexcept {
  // Linux has a priority for each thread. Nothing is lost if it refuses.
  (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), niceness);
}

// Clients know nothing of the server's paths.
Error without_paths(Error error, const TrainingRunOptions& options) {
  const auto replace = [&](const std::string& path, std::string_view name) {
    for (std::size_t at = 0; !path.empty() && (at = error.message.find(path, at)) != std::string::npos;)
      error.message.replace(at, path.size(), name);
  };
  replace(options.data, "the training file");
  replace(options.validation.value_or(""), "the validation file");
  return error;
}

// Checkpoints stay for whoever wants to look, as those of any training that failed; a cancelled one has none.
void finish(TrainingRun& run, RunStatus status, std::string error) {
  auto& record = run.record();
  record.status = status;
  record.error = std::move(error);
  record.updated_at = record.finished_at = utc_now();
  (void)run.save_record();
  (void)run.append_event(message_event(run_status_name(status), record.error));
  if (status == RunStatus::kCancelled) run.remove_checkpoints();
}

// Whether the same training may well succeed another time: the disk was full, or memory.
bool may_pass(const Error& error) noexcept {
  return error.code == ErrorCode::kResourceExhausted || error.code == ErrorCode::kIo ||
         error.code == ErrorCode::kPermissionDenied;
}

}  // namespace

std::string_view fine_tuning_status_name(FineTuningStatus status) noexcept {
  return kStatusNames[static_cast<std::size_t>(status)];
}

struct FineTuningService::Impl {
  explicit Impl(FineTuningSetup given) : setup(std::move(given)) {}

  FineTuningSetup setup;
  mutable std::mutex mutex;
  mutable std::condition_variable changed;
  bool stopping = false;
  std::string running_id;          // empty: none
  TrainingJob* running = nullptr;  // once its data are read
  bool cancelling = false;         // the running one
  std::optional<double> seconds_left;
  // Another process has them, or they ended and the disk does not take it.
  std::set<std::string, std::less<>> left_alone;
  std::thread validator;
  std::thread trainer;

  FineTuningJob describe(TrainingRunRecord run) const;
  std::optional<TrainingRunRecord> next(bool validated) const;
  void validate_all();
  void validate(const TrainingRunRecord& run);
  void train_all();
  void train(const TrainingRunRecord& run);
  Result<RunStatus> train_to_end(TrainingRun run);
  void stop();
};

FineTuningJob FineTuningService::Impl::describe(TrainingRunRecord run) const {
  const bool is_running = run.id == running_id && running != nullptr;
  FineTuningJob job{.run = std::move(run), .status = FineTuningStatus::kQueued, .seconds_left = {}};
  switch (job.run.status) {
    case RunStatus::kSucceeded: job.status = FineTuningStatus::kSucceeded; break;
    case RunStatus::kFailed: job.status = FineTuningStatus::kFailed; break;
    case RunStatus::kCancelled: job.status = FineTuningStatus::kCancelled; break;
    case RunStatus::kQueued:
    case RunStatus::kRunning:
    case RunStatus::kInterrupted:
      if (!is_validated(job.run)) job.status = FineTuningStatus::kValidatingFiles;
      if (is_running) job.status = FineTuningStatus::kRunning;
      break;
  }
  if (is_running) job.seconds_left = seconds_left;
  return job;
}

// The oldest job that waits to be validated, or to be trained.
std::optional<TrainingRunRecord> FineTuningService::Impl::next(bool validated) const {
  for (auto& run : setup.runs.list())
    if (is_job(run) && is_unfinished(run.status) && is_validated(run) == validated &&
        run.base_sha256 == setup.base.header_sha256 && !left_alone.contains(run.id))
      return std::move(run);
  return std::nullopt;
}

void FineTuningService::Impl::validate_all() {
  set_niceness(setup.niceness);
  std::unique_lock lock(mutex);
  for (;;) {
    std::optional<TrainingRunRecord> run;
    changed.wait(lock, [&] { return stopping || (run = next(/*validated=*/false)).has_value(); });
    if (stopping) return;
    lock.unlock();
    validate(*run);
    lock.lock();
    changed.notify_all();
  }
}

void FineTuningService::Impl::validate(const TrainingRunRecord& record) {
  const auto read = read_training_data(*setup.text, record.options, [this](float) {
    const std::lock_guard lock(mutex);
    return !stopping;
  });
  const std::lock_guard lock(mutex);
  if (!read && read.error().code == ErrorCode::kCancelled) return;
  auto run = setup.runs.open(record.id);
  if (!run) {
    left_alone.insert(record.id);
    return;
  }
  // It may have been cancelled meanwhile.
  if (!is_unfinished(run->record().status)) return;
  if (!read) return finish(*run, RunStatus::kFailed, without_paths(read.error(), record.options).message);
  run->record().examples = read->data.training.size();
  run->record().validation_examples = read->data.validation.size();
  run->record().total_steps = total_steps(run->record().options, read->data.training.size());
  (void)run->append_event(
      message_event("validated", std::format("The files are good: {} examples to train on, {} to measure on",
                                             read->data.training.size(), read->data.validation.size())));
  if (const auto saved = run->save_record(); !saved) {
    finish(*run, RunStatus::kFailed, saved.error().message);
    left_alone.insert(record.id);
  }
}

void FineTuningService::Impl::train_all() {
  set_niceness(setup.niceness);
  std::unique_lock lock(mutex);
  for (;;) {
    std::optional<TrainingRunRecord> run;
    changed.wait(lock, [&] { return stopping || (run = next(/*validated=*/true)).has_value(); });
    if (stopping) return;
    running_id = run->id;
    lock.unlock();
    train(*run);
    lock.lock();
    running_id.clear();
    cancelling = false;
    seconds_left.reset();
    changed.notify_all();
  }
}

void FineTuningService::Impl::train(const TrainingRunRecord& record) {
  auto run = setup.runs.open(record.id);
  if (!run) {
    const std::lock_guard lock(mutex);
    left_alone.insert(record.id);
    return;
  }
  if (run->record().idle_starts >= kMostIdleStarts) {
    const std::lock_guard lock(mutex);
    left_alone.insert(record.id);
    return finish(*run, RunStatus::kFailed,
                  std::format("its server ended {} times while it was trained, before anything could be saved: it may "
                              "need more memory than there is; try a smaller rank, batch or length of examples",
                              kMostIdleStarts));
  }
  const auto status = train_to_end(std::move(*run));
  const std::lock_guard lock(mutex);
  // Stopped with the server: it goes on with the next one.
  if ((status && *status == RunStatus::kSucceeded) || (stopping && !cancelling)) return;
  if (auto ended = setup.runs.open(record.id); ended && is_unfinished(ended->record().status)) {
    if (cancelling)
      finish(*ended, RunStatus::kCancelled, {});
    else if (!status && may_pass(status.error()))
      (void)ended->append_event(message_event("warning", without_paths(status.error(), record.options).message +
                                                             "; the server tries again when it starts"));
    else if (!status)
      finish(*ended, RunStatus::kFailed, without_paths(status.error(), record.options).message);
  }
  // What could not be written down must not be tried again and again.
  left_alone.insert(record.id);
}

Result<RunStatus> FineTuningService::Impl::train_to_end(TrainingRun run) {
  HYPRSTREAM_ASSIGN(auto read, read_training_data(*setup.text, run.record().options, [this](float) {
                      const std::lock_guard lock(mutex);
                      return !stopping && !cancelling;
                    }));
  HYPRSTREAM_ASSIGN(const auto job,
                    make_training_job(std::move(run), setup.base, std::move(read.data), setup.adapters));
  {
    const std::lock_guard lock(mutex);
    running = job.get();
    if (stopping || cancelling) job->stop();
  }
  const auto status = job->run([this](const TrainingEvent& event) {
    const std::lock_guard lock(mutex);
    if (event.kind == TrainingEvent::Kind::kStep) seconds_left = event.seconds_left;
  });
  const std::lock_guard lock(mutex);
  running = nullptr;
  return status;
}

void FineTuningService::Impl::stop() {
  {
    const std::lock_guard lock(mutex);
    stopping = true;
    if (running != nullptr) running->stop();
  }
  changed.notify_all();
  validator.join();
  trainer.join();
}

FineTuningService::FineTuningService(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

std::unique_ptr<FineTuningService> FineTuningService::start(FineTuningSetup setup) {
  std::unique_ptr<FineTuningService> service(new FineTuningService(std::make_unique<Impl>(std::move(setup))));
  auto* impl = service->impl_.get();
  impl->validator = std::thread([impl] { impl->validate_all(); });
  impl->trainer = std::thread([impl] { impl->train_all(); });
  return service;
}

FineTuningService::~FineTuningService() { impl_->stop(); }

Result<FineTuningJob> FineTuningService::submit(TrainingRunOptions options, nlohmann::ordered_json request) {
  HYPRSTREAM_TRY(check_run_options(options));
  HYPRSTREAM_TRY(check_adapter_options(options, impl_->setup.base, impl_->setup.adapters));
  // Whatever is published is served.
  options.publish = PublishPolicy::kImproved;
  auto record = new_run_record(options, impl_->setup.base, kIdPrefix);
  record.status = RunStatus::kQueued;
  record.options.threads = impl_->setup.threads;
  record.request = std::move(request);
  const std::lock_guard lock(impl_->mutex);
  {
    HYPRSTREAM_ASSIGN(auto run, impl_->setup.runs.create(record));
    (void)run.append_event(message_event("created", "Created, and reading the files"));
  }
  impl_->changed.notify_all();
  return impl_->describe(std::move(record));
}

std::vector<FineTuningJob> FineTuningService::list() const {
  auto runs = impl_->setup.runs.list();
  std::erase_if(runs, [](const TrainingRunRecord& run) { return !is_job(run); });
  const std::lock_guard lock(impl_->mutex);
  std::vector<FineTuningJob> jobs;
  for (auto& run : std::views::reverse(runs)) jobs.push_back(impl_->describe(std::move(run)));
  return jobs;
}

Result<FineTuningJob> FineTuningService::find(std::string_view id) const {
  auto run = impl_->setup.runs.find(id);
  if (!run || !is_job(*run))
    return fail(ErrorCode::kNotFound,
                std::format("there is no job '{}': GET /v1/fine_tuning/jobs lists those there are", id));
  const std::lock_guard lock(impl_->mutex);
  return impl_->describe(std::move(*run));
}

Result<std::vector<nlohmann::ordered_json>> FineTuningService::events(std::string_view id) const {
  HYPRSTREAM_ASSIGN(const auto job, find(id));
  auto events = impl_->setup.runs.events(id);
  if (!events) return events;
  for (auto& event : *events)
    if (const auto message = event.find("message"); message != event.end() && message->is_string())
      *message = without_paths(Error{.message = message->get<std::string>()}, job.run.options).message;
  return events;
}

Result<FineTuningJob> FineTuningService::cancel(std::string_view id) {
  HYPRSTREAM_TRY(find(id));
  std::unique_lock lock(impl_->mutex);
  if (impl_->running_id == id) {
    impl_->cancelling = true;
    if (impl_->running != nullptr) impl_->running->stop();
    impl_->changed.wait(lock, [&] { return impl_->stopping || impl_->running_id != id; });
  } else {
    HYPRSTREAM_ASSIGN(auto run, impl_->setup.runs.open(id));
    if (!is_unfinished(run.record().status))
      return fail(ErrorCode::kAlreadyExists,
                  std::format("the job {} has ended already: it has {}", id, run_status_name(run.record().status)));
    finish(run, RunStatus::kCancelled, {});
  }
  lock.unlock();
  return find(id);
}

}  // namespace hyprstream
