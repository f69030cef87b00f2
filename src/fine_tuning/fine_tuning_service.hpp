// Training jobs of a server: one at a time, beside what it serves.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapter/base_model.hpp"
#include "adapter_files/adapter_store.hpp"
#include "base/error.hpp"
#include "runtime/model_text.hpp"
#include "training_job/run_store.hpp"

namespace hyprstream {

enum class FineTuningStatus : std::uint8_t { kValidatingFiles, kQueued, kRunning, kSucceeded, kFailed, kCancelled };
std::string_view fine_tuning_status_name(FineTuningStatus status) noexcept;  // "validating_files", ...

struct FineTuningJob {
  TrainingRunRecord run;
  FineTuningStatus status = FineTuningStatus::kQueued;
  std::optional<double> seconds_left;  // of the running one, estimated
};

// What jobs work on and with.
struct FineTuningSetup {
  BaseModel base;                   // of the model that is served
  const ModelText* text = nullptr;  // the same model's; must outlive the service
  TrainingRunStore runs;
  AdapterStore adapters;
  int niceness = 19;  // of the threads that train, 0 (as urgent as serving) to 19 (they take what serving leaves)
  int threads = 0;    // that a job trains with; 0: one per core
};

// Jobs are training runs whose ids begin with "ftjob-"; they are on the disk, and so survive the server. Each gets its
// data read first, by one thread, and is then trained, by another, in the order in which they came. A job that was
// running when a server stopped or was killed goes on from its last checkpoint in the next one of the same model.
// Thread-safe.
class FineTuningService {
 public:
  static std::unique_ptr<FineTuningService> start(FineTuningSetup setup);
  // Saves the running job, so that it can go on.
  ~FineTuningService();

  // `options.base` is the served model's file. `request`: what the client asked for, kept with the run.
  // Errors: those of check_run_options() and trainer_options(), kResourceExhausted (disk full), kIo.
  Result<FineTuningJob> submit(TrainingRunOptions options, nlohmann::ordered_json request);

  std::vector<FineTuningJob> list() const;  // newest first
  // Errors of these: kNotFound, kCorrupt.
  Result<FineTuningJob> find(std::string_view id) const;
  // As the run logged them, oldest first.
  Result<std::vector<nlohmann::ordered_json>> events(std::string_view id) const;
  // Waits until a running job has ended; what it has published stays. Errors: kAlreadyExists (it has ended already),
  // kUnavailable (another server trains it).
  Result<FineTuningJob> cancel(std::string_view id);

 private:
  struct Impl;
  explicit FineTuningService(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace hyprstream
