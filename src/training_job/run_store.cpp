#include "training_job/run_store.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <format>
#include <optional>
#include <system_error>
#include <tuple>
#include <utility>

#include "base/atomic_file.hpp"
#include "base/json.hpp"
#include "base/mapped_file.hpp"
#include "base/paths.hpp"
#include "base/staged_directory.hpp"

namespace hyprstream {
namespace {

constexpr const char* kRecord = "run.json";
constexpr const char* kEvents = "events.jsonl";
constexpr const char* kState = "trainer.state";
constexpr std::string_view kCheckpointPrefix = "checkpoint-";

Result<TrainingRunRecord> read_record(const std::filesystem::path& directory) {
  const auto path = directory / kRecord;
  HYPRSTREAM_ASSIGN(const auto text, read_whole_file(path));
  return parse_run_record(text, path.string());
}

// Empty: somebody else has it.
Result<FileDescriptor> lock_directory(const std::filesystem::path& directory) {
  FileDescriptor opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!opened) return fail_errno("cannot open " + directory.string(), errno);
  if (::flock(opened.get(), LOCK_EX | LOCK_NB) == 0) return opened;
  if (errno != EWOULDBLOCK) return fail_errno("cannot lock " + directory.string(), errno);
  return FileDescriptor();
}

std::optional<std::size_t> checkpoint_step(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  if (!name.starts_with(kCheckpointPrefix)) return std::nullopt;
  const char* begin = name.data() + kCheckpointPrefix.size();
  const char* end = name.data() + name.size();
  std::size_t step = 0;
  const auto [stop, error] = std::from_chars(begin, end, step);
  if (error != std::errc() || stop != end) return std::nullopt;
  return step;
}

std::filesystem::path checkpoint_directory(const std::filesystem::path& run, std::size_t step) {
  return run / std::format("{}{}", kCheckpointPrefix, step);
}

}  // namespace

bool is_unfinished(RunStatus status) noexcept {
  return status == RunStatus::kQueued || status == RunStatus::kRunning || status == RunStatus::kInterrupted;
}

Result<void> TrainingRun::save_record() { return write_whole_file(directory_ / kRecord, format_run_record(record_)); }

Result<void> TrainingRun::save_checkpoint(std::string_view trainer_state) {
  const auto target = checkpoint_directory(directory_, record_.step);
  {
    HYPRSTREAM_ASSIGN(auto staged, StagedDirectory::create(directory_));
    HYPRSTREAM_TRY(write_whole_file(staged.path() / kState, trainer_state));
    HYPRSTREAM_TRY(write_whole_file(staged.path() / kRecord, format_run_record(record_)));
    // One that is there is of the same step, and so the same but for the clock.
    if (const auto published = staged.publish(target);
        !published && published.error().code != ErrorCode::kAlreadyExists)
      return published;
  }
  HYPRSTREAM_TRY(save_record());
  auto steps = checkpoints();
  while (steps.size() > std::max<std::size_t>(record_.options.kept_checkpoints, 1)) {
    // An old one too many does no harm.
    (void)remove_directory(checkpoint_directory(directory_, steps.front()), directory_);
    steps.erase(steps.begin());
  }
  return {};
}

std::vector<std::size_t> TrainingRun::checkpoints() const {
  std::vector<std::size_t> steps;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory_, error))
    if (const auto step = checkpoint_step(entry.path())) steps.push_back(*step);
  std::ranges::sort(steps);
  return steps;
}

Result<TrainingCheckpoint> TrainingRun::load_checkpoint(std::size_t step) const {
  const auto directory = checkpoint_directory(directory_, step);
  TrainingCheckpoint checkpoint;
  HYPRSTREAM_ASSIGN(checkpoint.record, read_record(directory));
  HYPRSTREAM_ASSIGN(checkpoint.state, read_whole_file(directory / kState));
  return checkpoint;
}

void TrainingRun::remove_checkpoints() noexcept {
  for (const auto step : checkpoints()) (void)remove_directory(checkpoint_directory(directory_, step), directory_);
}

void TrainingRun::remove_checkpoints_after(std::size_t last) noexcept {
  for (const auto step : checkpoints())
    if (step > last) (void)remove_directory(checkpoint_directory(directory_, step), directory_);
}

Result<void> TrainingRun::append_event(const nlohmann::ordered_json& event) {
  const auto path = directory_ / kEvents;
  const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
  if (!file) return fail_errno("cannot open " + path.string(), errno);
  // The line break comes first: after a kill in the middle of a line the next one still stands alone.
  const std::string line = "\n" + event.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  const auto written = ::write(file.get(), line.data(), line.size());
  if (written == std::ssize(line)) return {};
  return fail_errno("cannot write " + path.string(), written < 0 ? errno : ENOSPC);
}

TrainingRunStore TrainingRunStore::of_user() { return TrainingRunStore(data_home() / "training"); }

Result<TrainingRun> TrainingRunStore::create(TrainingRunRecord record, std::string_view rows) const {
  const auto target = directory_ / record.id;
  HYPRSTREAM_ASSIGN(auto staged, StagedDirectory::create(directory_));
  HYPRSTREAM_TRY(write_whole_file(staged.path() / kRecord, format_run_record(record)));
  if (!rows.empty()) HYPRSTREAM_TRY(write_whole_file(staged.path() / rows_path(record.id).filename(), rows));
  HYPRSTREAM_TRY(staged.publish(target));
  HYPRSTREAM_ASSIGN(auto lock, lock_directory(target));
  if (!lock) return fail(ErrorCode::kUnavailable, "the new training run was taken by another process");
  return TrainingRun(target, std::move(record), std::move(lock));
}

Result<TrainingRun> TrainingRunStore::open(std::string_view id) const {
  // Nothing but an id reaches a path.
  if (!is_run_id(id)) return fail(ErrorCode::kNotFound, std::format("there is no training run '{}'", id));
  const auto directory = directory_ / id;
  HYPRSTREAM_ASSIGN(auto lock, lock_directory(directory));
  if (!lock)
    return fail(ErrorCode::kUnavailable,
                std::format("the training run {} is going on in another process: wait for it or stop it", id));
  HYPRSTREAM_ASSIGN(auto record, read_record(directory));
  return TrainingRun(directory, std::move(record), std::move(lock));
}

Result<TrainingRun> TrainingRunStore::open_unfinished(std::string_view adapter_name) const {
  auto runs = list();
  std::erase_if(runs, [&](const TrainingRunRecord& run) {
    return run.options.name != adapter_name || !is_unfinished(run.status);
  });
  if (runs.empty())
    return fail(ErrorCode::kNotFound,
                std::format("there is no unfinished training of '{}': start one with --name {} and --data",
                            adapter_name, adapter_name));
  return open(runs.back().id);
}

Result<void> TrainingRunStore::remove(std::string_view id) const {
  HYPRSTREAM_ASSIGN(const auto run, open(id));
  return remove_directory(run.directory(), directory_);
}

Result<TrainingRunRecord> TrainingRunStore::find(std::string_view id) const {
  std::error_code error;
  if (!is_run_id(id) || !std::filesystem::is_directory(directory_ / id, error))
    return fail(ErrorCode::kNotFound, std::format("there is no training run '{}'", id));
  return read_record(directory_ / id);
}

std::vector<TrainingRunRecord> TrainingRunStore::list() const {
  std::vector<TrainingRunRecord> runs;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory_, error))
    if (auto record = find(entry.path().filename().string())) runs.push_back(std::move(*record));
  std::ranges::sort(runs, {},
                    [](const TrainingRunRecord& run) { return std::tuple(run.created_at, run.created_ns, run.id); });
  return runs;
}

Result<std::vector<nlohmann::ordered_json>> TrainingRunStore::events(std::string_view id) const {
  HYPRSTREAM_TRY(find(id));
  std::vector<nlohmann::ordered_json> events;
  const auto text = read_whole_file(directory_ / id / kEvents);
  if (!text) return events;  // none yet
  for (std::string_view rest = *text; !rest.empty();) {
    const auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (line.empty()) continue;
    if (auto event = parse_ordered_json(line, kEvents); event && event->is_object())
      events.push_back(std::move(*event));
  }
  return events;
}

}  // namespace hyprstream
