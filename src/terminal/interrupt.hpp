// Ctrl-C and SIGTERM.
#pragma once

#include <signal.h>

#include <utility>

namespace hyprstream {

// What a signal stops: an object, and a function that is safe within a signal handler.
struct Interruptible {
  void* object = nullptr;
  void (*stop)(void* object) noexcept = nullptr;
};

// Whatever has a member interrupt() or stop() that may be called from a signal handler.
template <typename T>
  requires requires(T& object) { object.interrupt(); } || requires(T& object) { object.stop(); }
Interruptible interruptible(T& object) noexcept {
  return {&object, [](void* it) noexcept {
            if constexpr (requires { object.interrupt(); })
              static_cast<T*>(it)->interrupt();
            else
              static_cast<T*>(it)->stop();
          }};
}

// While it lives, signals stop an object that must outlive it; then again what they stopped before, which is stopped at
// once if a signal came meanwhile. Movable, not copyable.
class InterruptWatch {
 public:
  InterruptWatch() noexcept = default;
  explicit InterruptWatch(Interruptible target) noexcept;
  InterruptWatch(InterruptWatch&& other) noexcept { *this = std::move(other); }
  InterruptWatch& operator=(InterruptWatch&& other) noexcept {
    std::swap(active_, other.active_);
    std::swap(previous_, other.previous_);
    return *this;
  }
  ~InterruptWatch();

 private:
  bool active_ = false;
  Interruptible previous_;
};

// While it lives, the first SIGINT or SIGTERM stops what is watched (one object at a time) and is remembered; a second
// one ends the process at once with exit code 130. One at a time.
// Not thread-safe.
class InterruptScope {
 public:
  InterruptScope() noexcept;
  // Puts back the handlers that were there before.
  ~InterruptScope();
  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;

  // Stopped for as long as the watch lives. A signal that came before stops it too.
  template <typename T>
  [[nodiscard]] InterruptWatch watch(T& object) const noexcept {
    return watch(interruptible(object));
  }

  bool was_interrupted() const noexcept;

 private:
  InterruptWatch watch(Interruptible target) const noexcept;

  struct sigaction previous_int_{};
  struct sigaction previous_term_{};
};

}  // namespace hyprstream
