#include "cli_options/pull_progress.hpp"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <format>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/utf8.hpp"
#include "terminal/printable.hpp"
#include "terminal/terminal.hpp"

namespace hyprstream {
namespace {

using Clock = TransferSpeed::Clock;

constexpr std::chrono::seconds kWindow{5};  // that the speed is measured over
constexpr std::chrono::seconds kBetweenLines{5};
constexpr std::chrono::seconds kBetweenEvents{1};
constexpr std::size_t kBar = 20;  // columns

bool bars_are_disabled() {
  const char* value = std::getenv("HF_HUB_DISABLE_PROGRESS_BARS");
  if (value == nullptr) return false;
  std::string text(value);
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text == "1" || text == "ON" || text == "YES" || text == "TRUE";
}

double share_of(const DownloadProgress& bytes) {
  return bytes.total == 0 ? 1 : static_cast<double>(bytes.done) / static_cast<double>(bytes.total);
}

std::string time_left(const DownloadProgress& bytes, double speed) {
  if (speed < 1) return {};
  const double seconds = std::ceil(static_cast<double>(bytes.total - bytes.done) / speed);
  if (seconds > 99 * 3600) return {};
  const auto whole = static_cast<long>(seconds);
  if (whole < 3600) return std::format("{}:{:02} left", whole / 60, whole % 60);
  return std::format("{}:{:02}:{:02} left", whole / 3600, whole / 60 % 60, whole % 60);
}

void write_error(const std::string& text) noexcept {
  // Nobody is told if this fails: it is only decoration.
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text.data(), text.size());
}

std::string_view name_of(PullProgress::Stage stage) {
  switch (stage) {
    case PullProgress::Stage::kWaiting: return "waiting";
    case PullProgress::Stage::kDownloading: return "progress";
    case PullProgress::Stage::kFinished: break;
  }
  return "file_finished";
}

}  // namespace

void TransferSpeed::add(Clock::time_point now, std::uint64_t bytes) {
  if (!points_.empty() && bytes < points_.back().second) points_.clear();  // it began anew
  points_.emplace_back(now, bytes);
  while (points_.size() > 2 && now - points_.front().first > kWindow) points_.pop_front();
}

double TransferSpeed::bytes_per_second() const {
  if (points_.size() < 2) return 0;
  const double seconds = std::chrono::duration<double>(points_.back().first - points_.front().first).count();
  return seconds <= 0 ? 0 : static_cast<double>(points_.back().second - points_.front().second) / seconds;
}

std::string render_pull_line(const PullProgress& progress, double bytes_per_second, std::size_t width) {
  std::string name = printable_line(progress.file.substr(progress.file.rfind('/') + 1));
  if (progress.count > 1) name += std::format(" ({} of {})", progress.number, progress.count);
  if (progress.stage == PullProgress::Stage::kWaiting) return name + "  another process is fetching it, waiting";
  const double share = share_of(progress.bytes);
  std::string figures = std::format("{} of {}  {:.0f}%", format_bytes(progress.bytes.done),
                                    format_bytes(progress.bytes.total), std::floor(100 * share));
  if (bytes_per_second >= 1)
    figures += std::format("  {}/s", format_bytes(static_cast<unsigned long long>(bytes_per_second)));
  if (const auto left = time_left(progress.bytes, bytes_per_second); !left.empty()) figures += "  " + left;
  std::string bar;
  if (display_width(name) + figures.size() + kBar + 6 <= width) {
    const auto filled = static_cast<std::size_t>(share * kBar);
    bar = "[" + std::string(filled, '#') + std::string(kBar - filled, '.') + "]  ";
  }
  while (!name.empty() && display_width(name) + 2 + figures.size() > width) {
    name.pop_back();
    name.resize(name.size() - incomplete_utf8_suffix(name));
  }
  return name.empty() ? figures.substr(0, width) : name + "  " + bar + figures;
}

PullProgressView::PullProgressView(Console& console, PullProgressStyle style)
    : console_(console), style_(style), on_terminal_(is_terminal(STDERR_FILENO)) {
  if (style_ == PullProgressStyle::kAuto && bars_are_disabled()) style_ = PullProgressStyle::kNone;
}

PullProgressView::~PullProgressView() {
  if (line_shown_) write_error("\r\033[K");
}

void PullProgressView::show(const PullProgress& progress) {
  if (style_ == PullProgressStyle::kNone) return;
  const auto now = Clock::now();
  const bool is_new = progress.file != file_ || progress.stage != stage_;
  if (progress.file != file_) {
    speed_.clear();
    next_ = now + (style_ == PullProgressStyle::kEvents ? Clock::duration::zero() : Clock::duration(kBetweenLines));
  }
  file_ = progress.file;
  stage_ = progress.stage;
  if (progress.stage == PullProgress::Stage::kDownloading) speed_.add(now, progress.bytes.done);
  const double speed = speed_.bytes_per_second();
  if (style_ == PullProgressStyle::kEvents) {
    if (is_new || now >= next_) show_event(progress, speed);
    if (is_new || now >= next_) next_ = now + kBetweenEvents;
    return;
  }
  if (progress.stage == PullProgress::Stage::kFinished) return;
  if (on_terminal_) {
    line_shown_ = true;
    write_error("\r" + render_pull_line(progress, speed, terminal_width(STDERR_FILENO) - 1) + "\033[K");
  } else if (now >= next_ || (is_new && progress.stage == PullProgress::Stage::kWaiting)) {
    console_.status(render_pull_line(progress, speed, 200));
    next_ = now + kBetweenLines;
  }
}

void PullProgressView::show_event(const PullProgress& progress, double speed) {
  if (!outcome_) return;
  const nlohmann::ordered_json event{{"event", name_of(progress.stage)},
                                     {"file", progress.file},
                                     {"file_number", progress.number},
                                     {"file_count", progress.count},
                                     {"bytes", progress.bytes.done},
                                     {"total_bytes", progress.bytes.total},
                                     {"resumed_bytes", progress.bytes.resumed},
                                     {"bytes_per_second", std::round(speed)}};
  outcome_ = console_.write(event.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
}

}  // namespace hyprstream
