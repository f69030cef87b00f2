// How many threads to decode with on a machine that others use too. Pure: no clock, no system
// calls. Internal to runtime.
#pragma once

namespace hyprstream {

// Threads that wait for each other at a barrier are only as fast as the one that has lost its core
// to another process, and the rest burn their time slices spinning for it. So the number follows
// the cores that are really there: it falls as soon as threads wait for a CPU, and is tried higher
// again, ever more rarely, while each try fails.
//
// Not thread-safe.
class ThreadPolicy {
 public:
  // `most`: threads on an idle machine, at least 1.
  explicit ThreadPolicy(int most) noexcept : most_(most), threads_(most) {}

  // Takes a window of `seconds` spent in steps, in which the threads together waited for a CPU
  // for `waited_seconds`; gives the number of threads for the next one.
  int update(double seconds, double waited_seconds) noexcept;

  int threads() const noexcept { return threads_; }

 private:
  int most_;
  int threads_;
  int contended_windows_ = 0;  // in a row
  double quiet_seconds_ = 0;
  double retry_after_seconds_ = kFirstRetrySeconds;
  bool trying_ = false;  // the last change was upwards and has not proved itself yet

  static constexpr double kFirstRetrySeconds = 0.2;
};

}  // namespace hyprstream
