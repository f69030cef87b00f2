// How a training run shows: live on a terminal, as lines elsewhere, as JSON for programs.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "terminal/console.hpp"
#include "terminal/loss_curve.hpp"
#include "training_job/training_event.hpp"

namespace hyprstream {

// A sink of training events. On a terminal a few lines on standard error change in place: bar, speed, time left, loss,
// sparsity, and the curve of the loss, which stays at the end. Not thread-safe; must not outlive the console.
class TrainingView {
 public:
  enum class Style : std::uint8_t { kAuto, kJson, kNone };

  TrainingView(Console& console, Style style);
  ~TrainingView();
  TrainingView(const TrainingView&) = delete;
  TrainingView& operator=(const TrainingView&) = delete;

  void show(const TrainingEvent& event);
  // Leaves what is on the terminal for good: what is printed next stands below it.
  void finish() noexcept;

  // Errors: those of Console::write() (kJson).
  const Result<void>& outcome() const noexcept { return outcome_; }

 private:
  using Clock = std::chrono::steady_clock;

  void show_json(const TrainingEvent& event);
  void show_line(const TrainingEvent& event);
  void draw(bool even_if_just_drawn);
  void erase() noexcept;
  void say(const std::string& line);  // above the live lines

  Console& console_;
  Style style_;
  bool on_terminal_;
  LossCurve curve_{1};
  TrainingEvent last_;  // the newest step
  std::string validation_;
  std::size_t drawn_ = 0;  // lines on the terminal now
  Clock::time_point next_;
  Result<void> outcome_;
};

// "2:05", "1:00:09".
std::string format_duration(double seconds);

// The bar and the figures below it, each at most `width` columns.
std::vector<std::string> render_training_lines(const TrainingEvent& step, const std::string& validation,
                                               std::size_t width);

// "step 20 of 300: loss 1.234, ..." for logs; empty for what a log need not know.
std::string describe_event(const TrainingEvent& event);

}  // namespace hyprstream
