// Training runs on disk: $HYPRSTREAM_HOME/training/<run-id>/{run.json,events.jsonl,data.jsonl,checkpoint-<step>/}.
//
// Whoever trains a run holds a lock on its directory. What is seen is whole: run.json is replaced by a rename, and a
// checkpoint, with the trainer's state and the record as it was then, is published by one.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/file_descriptor.hpp"
#include "training_job/run_record.hpp"

namespace hyprstream {

struct TrainingCheckpoint {
  TrainingRunRecord record;
  std::string state;  // of the trainer
};

// The directory of one run, locked while this lives. Movable. Not thread-safe.
class TrainingRun {
 public:
  const std::filesystem::path& directory() const noexcept { return directory_; }
  TrainingRunRecord& record() noexcept { return record_; }
  const TrainingRunRecord& record() const noexcept { return record_; }

  // Writes run.json as the record is now. Errors: kResourceExhausted (disk full), kIo, ...
  Result<void> save_record();
  // The same, and the record with the trainer's state as checkpoint-<record().step>; then removes all but the newest
  // record().options.kept_checkpoints. On an error those that are there stay. Errors: as save_record().
  Result<void> save_checkpoint(std::string_view trainer_state);
  std::vector<std::size_t> checkpoints() const;  // their steps, oldest first
  // Errors: kNotFound, kCorrupt, kIo.
  Result<TrainingCheckpoint> load_checkpoint(std::size_t step) const;
  // All of them. What cannot be removed stays.
  void remove_checkpoints() noexcept;
  void remove_checkpoints_after(std::size_t last) noexcept;

  // Adds a line to events.jsonl, in one write. Errors: as save_record().
  Result<void> append_event(const nlohmann::ordered_json& event);

 private:
  friend class TrainingRunStore;
  TrainingRun(std::filesystem::path directory, TrainingRunRecord record, FileDescriptor lock) noexcept
      : directory_(std::move(directory)), record_(std::move(record)), lock_(std::move(lock)) {}

  std::filesystem::path directory_;
  TrainingRunRecord record_;
  FileDescriptor lock_;
};

// Holds nothing but its path: const access is thread-safe, and any number of processes may use one store at once.
class TrainingRunStore {
 public:
  explicit TrainingRunStore(std::filesystem::path directory) : directory_(std::move(directory)) {}
  // data_home()/training.
  static TrainingRunStore of_user();

  // `rows`: examples that are in no file, to be kept as rows_path(). Errors: kPermissionDenied, kResourceExhausted,
  // kIo.
  Result<TrainingRun> create(TrainingRunRecord record, std::string_view rows = {}) const;
  std::filesystem::path rows_path(std::string_view id) const { return directory_ / id / "data.jsonl"; }
  // To train it on. Errors: kNotFound, kCorrupt, kUnavailable (somebody trains it now).
  Result<TrainingRun> open(std::string_view id) const;
  // The newest run for this adapter that is interrupted, or whose process was killed, to train it on.
  // Errors: kNotFound, and as open().
  Result<TrainingRun> open_unfinished(std::string_view adapter_name) const;

  // With its checkpoints; what it published stays. Errors: kNotFound, kUnavailable (somebody trains it now), kIo, ...
  Result<void> remove(std::string_view id) const;

  // Errors: kNotFound, kCorrupt.
  Result<TrainingRunRecord> find(std::string_view id) const;
  std::vector<TrainingRunRecord> list() const;  // oldest first; what is no run is passed over
  // The lines of events.jsonl that are whole. Errors: kNotFound.
  Result<std::vector<nlohmann::ordered_json>> events(std::string_view id) const;

 private:
  std::filesystem::path directory_;
};

// Whether training it may go on: neither finished, failed nor cancelled.
bool is_unfinished(RunStatus status) noexcept;

}  // namespace hyprstream
