#include "terminal/interrupt.hpp"

#include <unistd.h>

#include <atomic>

#include "terminal/exit_code.hpp"

namespace hyprstream {
namespace {

// A signal handler has no object to reach: hence process-wide.
std::atomic<void*> watched_object = nullptr;
std::atomic<void (*)(void*) noexcept> watched_stop = nullptr;
std::atomic<int> signal_count = 0;
static_assert(std::atomic<void*>::is_always_lock_free && std::atomic<void (*)(void*) noexcept>::is_always_lock_free &&
              std::atomic<int>::is_always_lock_free);

void on_signal(int /*signal*/) {
  if (signal_count.fetch_add(1) > 0) ::_exit(static_cast<int>(ExitCode::kInterrupted));
  if (auto* object = watched_object.load()) watched_stop.load()(object);
}

// A signal may come in between: never the function of one with the object of another.
void set_watched(Interruptible target) noexcept {
  watched_object = nullptr;
  watched_stop = target.stop;
  watched_object = target.object;
}

}  // namespace

InterruptWatch::InterruptWatch(Interruptible target) noexcept
    : active_(true), previous_{watched_object.load(), watched_stop.load()} {
  set_watched(target);
}

InterruptWatch::~InterruptWatch() {
  if (!active_) return;
  set_watched(previous_);
  if (signal_count.load() > 0 && previous_.object != nullptr) previous_.stop(previous_.object);
}

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

InterruptWatch InterruptScope::watch(Interruptible target) const noexcept {
  InterruptWatch watch(target);
  if (was_interrupted()) target.stop(target.object);
  return watch;
}

bool InterruptScope::was_interrupted() const noexcept { return signal_count.load() > 0; }

}  // namespace hyprstream
