// How far a pull is, for whoever watches: a person at a terminal, a log, or a program.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <string>
#include <utility>

#include "hub/pull.hpp"
#include "terminal/console.hpp"

namespace hyprstream {

enum class PullProgressStyle {
  kAuto,    // a line that changes in place on a terminal, elsewhere one line every few seconds
  kEvents,  // JSON objects, one a line, on standard output
  kNone,
};

// Bytes per second over the last few seconds. Not thread-safe.
class TransferSpeed {
 public:
  using Clock = std::chrono::steady_clock;

  void add(Clock::time_point now, std::uint64_t bytes);
  // 0 until there are two points in time.
  double bytes_per_second() const;
  void clear() { points_.clear(); }

 private:
  std::deque<std::pair<Clock::time_point, std::uint64_t>> points_;
};

// "model.gguf  [####......]  123.0 MB of 639.0 MB  19%  45.2 MB/s  0:11 left", within `width` columns: the bar is left
// out, then the name is cut.
std::string render_pull_line(const PullProgress& progress, double bytes_per_second, std::size_t width);

// Takes the progress of one pull and shows it on standard error (kEvents: standard output). Removes its line when it
// goes. Not thread-safe; must not outlive the console.
class PullProgressView {
 public:
  PullProgressView(Console& console, PullProgressStyle style);
  ~PullProgressView();
  PullProgressView(const PullProgressView&) = delete;
  PullProgressView& operator=(const PullProgressView&) = delete;

  void show(const PullProgress& progress);
  // Errors: of writing events to standard output.
  const Result<void>& outcome() const noexcept { return outcome_; }

 private:
  void show_event(const PullProgress& progress, double speed);

  Console& console_;
  PullProgressStyle style_;
  bool on_terminal_;
  bool line_shown_ = false;
  TransferSpeed speed_;
  std::string file_;
  PullProgress::Stage stage_ = PullProgress::Stage::kFinished;
  TransferSpeed::Clock::time_point next_;
  Result<void> outcome_;
};

}  // namespace hyprstream
