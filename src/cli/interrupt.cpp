#include "cli/interrupt.hpp"

#include <unistd.h>

#include <atomic>

#include "cli/exit_code.hpp"
#include "runtime/engine.hpp"
#include "training_job/training_job.hpp"

namespace hyprstream {
namespace {

// A signal handler has no object to reach: hence process-wide.
std::atomic<RuntimeEngine*> watched_engine = nullptr;
std::atomic<TrainingJob*> watched_job = nullptr;
std::atomic<int> signal_count = 0;
static_assert(std::atomic<RuntimeEngine*>::is_always_lock_free && std::atomic<int>::is_always_lock_free);

void on_signal(int /*signal*/) {
  if (signal_count.fetch_add(1) > 0) ::_exit(static_cast<int>(ExitCode::kInterrupted));
  if (auto* engine = watched_engine.load()) engine->interrupt();
  if (auto* job = watched_job.load()) job->stop();
}

}  // namespace

EngineWatch::EngineWatch(RuntimeEngine& engine) noexcept : active_(true) { watched_engine = &engine; }

EngineWatch::~EngineWatch() {
  if (active_) watched_engine = nullptr;
}

TrainingWatch::TrainingWatch(TrainingJob& job) noexcept { watched_job = &job; }

TrainingWatch::~TrainingWatch() { watched_job = nullptr; }

InterruptScope::InterruptScope() noexcept {
  signal_count = 0;
  struct sigaction action{};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  // Without SA_RESTART: a read that waits for a prompt ends too.
  ::sigaction(SIGINT, &action, &previous_int_);
  ::sigaction(SIGTERM, &action, &previous_term_);
}

InterruptScope::~InterruptScope() {
  ::sigaction(SIGINT, &previous_int_, nullptr);
  ::sigaction(SIGTERM, &previous_term_, nullptr);
}

EngineWatch InterruptScope::watch(RuntimeEngine& engine) const noexcept {
  EngineWatch watch(engine);
  if (was_interrupted()) engine.interrupt();
  return watch;
}

TrainingWatch InterruptScope::watch(TrainingJob& job) const noexcept {
  if (was_interrupted()) job.stop();
  return TrainingWatch(job);
}

bool InterruptScope::was_interrupted() const noexcept { return signal_count.load() > 0; }

}  // namespace hyprstream
