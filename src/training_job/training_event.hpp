// What a training job tells of itself while it runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace hyprstream {

struct TrainingEvent {
  enum class Kind : std::uint8_t {
    kStarted,     // or taken up again, at `step`
    kStep,        // after each; every so many are reports
    kEvaluation,  // the validation loss was measured; at step 0 that of the base model
    kCheckpoint,  // `step` is saved
    kPublished,   // a version of the adapter went into the store
    kWarning,     // training goes on; `message` says what is the matter
    kStopped,     // interrupted
    kFinished,
    kFailed,
  };

  Kind kind = Kind::kStep;
  std::size_t step = 0;  // done
  std::size_t total_steps = 0;
  // ---- kStep ----
  bool is_report = false;
  double loss = 0;  // of a report the mean since the last one, else of this step; nats per target token
  double learning_rate = 0;
  double grad_norm = 0;
  double sparsity = 0;           // also of kPublished
  double tokens_per_second = 0;  // since the start of this session
  double seconds_left = 0;       // estimated
  std::size_t trained_tokens = 0;
  // ---- kEvaluation, kPublished, kFinished ----
  std::optional<double> validation_loss;
  std::optional<double> base_validation_loss;
  bool is_best = false;  // of those at the asked sparsity
  std::string adapter;   // kPublished: "pirate@2"; kFinished: the best one
  std::string message;   // kWarning, kFailed
};

std::string_view event_name(TrainingEvent::Kind kind) noexcept;  // "started", "step", ...

// {"event": ..., "step": ..., "total_steps": ..., and what the kind has to say}.
nlohmann::ordered_json event_json(const TrainingEvent& event);

using TrainingEventSink = std::function<void(const TrainingEvent&)>;

}  // namespace hyprstream
