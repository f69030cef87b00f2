#include "terminal/progress_line.hpp"

#include <unistd.h>

#include <algorithm>
#include <format>
#include <utility>

#include "terminal/printable.hpp"
#include "terminal/terminal.hpp"

namespace hyprstream {
namespace {

constexpr auto kPatience = std::chrono::milliseconds(300);
constexpr auto kInterval = std::chrono::milliseconds(100);

void write_error(const std::string& text) noexcept {
  // Nobody is told if this fails: it is only decoration.
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text.data(), text.size());
}

}  // namespace

ProgressLine::ProgressLine(const std::string& what)
    : what_(printable_line(what)), on_terminal_(is_terminal(STDERR_FILENO)), next_(Clock::now() + kPatience) {}

ProgressLine::~ProgressLine() {
  if (shown_) write_error("\r\033[K");
}

void ProgressLine::update(float share) noexcept {
  if (!on_terminal_ || Clock::now() < next_) return;
  shown_ = true;
  next_ = Clock::now() + kInterval;
  write_error(std::format("\r\033[K{} {:.0f}%", what_, 100 * std::clamp(share, 0.0F, 1.0F)));
}

}  // namespace hyprstream
