// Ctrl-C and SIGTERM.
#pragma once

#include <signal.h>

namespace hyprstream {

class RuntimeEngine;

// While it lives, the first SIGINT or SIGTERM stops the watched engine's generation and is
// remembered; a second one ends the process at once with exit code 130. One at a time.
// Not thread-safe.
class InterruptScope {
 public:
  InterruptScope() noexcept;
  // Puts back the handlers that were there before.
  ~InterruptScope();
  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;

  // The engine to stop; it must outlive the scope. A signal that came before stops it too.
  void watch(RuntimeEngine& engine) noexcept;

  bool was_interrupted() const noexcept;

 private:
  struct sigaction previous_int_{};
  struct sigaction previous_term_{};
};

}  // namespace hyprstream
