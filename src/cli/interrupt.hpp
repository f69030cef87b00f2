// Ctrl-C and SIGTERM.
#pragma once

#include <signal.h>

#include <utility>

namespace hyprstream {

class RuntimeEngine;
class TrainingJob;

// While it lives, signals stop an engine that must outlive it. Movable, not copyable.
class EngineWatch {
 public:
  EngineWatch() noexcept = default;
  explicit EngineWatch(RuntimeEngine& engine) noexcept;
  EngineWatch(EngineWatch&& other) noexcept : active_(std::exchange(other.active_, false)) {}
  EngineWatch& operator=(EngineWatch&& other) noexcept {
    std::swap(active_, other.active_);
    return *this;
  }
  ~EngineWatch();

 private:
  bool active_ = false;
};

// The same for a training job.
class TrainingWatch {
 public:
  explicit TrainingWatch(TrainingJob& job) noexcept;
  TrainingWatch(const TrainingWatch&) = delete;
  TrainingWatch& operator=(const TrainingWatch&) = delete;
  ~TrainingWatch();
};

// While it lives, the first SIGINT or SIGTERM stops the watched engine's generation, or the watched training, and is
// remembered; a second one ends the process at once with exit code 130. One at a time.
// Not thread-safe.
class InterruptScope {
 public:
  InterruptScope() noexcept;
  // Puts back the handlers that were there before.
  ~InterruptScope();
  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;

  // The engine to stop, for as long as the watch lives. A signal that came before stops it too.
  [[nodiscard]] EngineWatch watch(RuntimeEngine& engine) const noexcept;

  // The same for training.
  [[nodiscard]] TrainingWatch watch(TrainingJob& job) const noexcept;

  bool was_interrupted() const noexcept;

 private:
  struct sigaction previous_int_{};
  struct sigaction previous_term_{};
};

}  // namespace hyprstream
