// How far a long piece of work is, on a terminal.
#pragma once

#include <chrono>
#include <string>

namespace hyprstream {

// One line on standard error that changes in place and is gone in the end. Appears only on a
// terminal, and only once the work takes noticeably long. Not thread-safe.
class ProgressLine {
 public:
  explicit ProgressLine(const std::string& what);
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  // `share`: of the work that is done, 0 to 1.
  void update(float share) noexcept;

 private:
  using Clock = std::chrono::steady_clock;

  std::string what_;
  bool on_terminal_;
  bool shown_ = false;
  Clock::time_point next_;  // when the line may change again
};

}  // namespace hyprstream
