#include "cli/training_view.hpp"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <format>

#include "cli/adapter_report.hpp"
#include "terminal/terminal.hpp"

namespace hyprstream {
namespace {

using Kind = TrainingEvent::Kind;

constexpr std::chrono::milliseconds kInterval{100};
constexpr std::size_t kBar = 30;  // columns
constexpr std::size_t kCurveRows = 7;

void write_error(const std::string& text) noexcept {
  // Nobody is told if this fails: it is only decoration.
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text.data(), text.size());
}

double share_of(const TrainingEvent& event) {
  return event.total_steps == 0 ? 0 : static_cast<double>(event.step) / static_cast<double>(event.total_steps);
}

std::string losses(const TrainingEvent& event) {
  if (!event.validation_loss)
    return std::format("validation loss of the base model {:.4f}", event.base_validation_loss.value_or(0));
  std::string text = std::format("validation loss {:.4f}", *event.validation_loss);
  if (event.base_validation_loss) text += std::format(" (base model: {:.4f})", *event.base_validation_loss);
  return text;
}

}  // namespace

std::string format_duration(double seconds) {
  const auto whole = static_cast<long>(std::ceil(std::clamp(seconds, 0.0, 1e9)));
  if (whole < 3600) return std::format("{}:{:02}", whole / 60, whole % 60);
  return std::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

std::vector<std::string> render_training_lines(const TrainingEvent& step, const std::string& validation,
                                               std::size_t width) {
  const double share = share_of(step);
  const auto filled = static_cast<std::size_t>(share * kBar);
  std::string head = std::format("[{}{}]  step {} of {}  {:.0f} tokens/s  {} left", std::string(filled, '#'),
                                 std::string(kBar - filled, '.'), step.step, step.total_steps, step.tokens_per_second,
                                 format_duration(step.seconds_left));
  // The bar is what a narrow terminal can do without.
  if (head.size() > width) head.erase(0, kBar + 4);
  std::string figures = std::format("loss {:.4f}  sparsity {}  learning rate {:.2g}", step.loss,
                                    format_sparsity(step.sparsity), step.learning_rate);
  if (!validation.empty()) figures += "  " + validation;
  return {head.substr(0, width), figures.substr(0, width)};
}

std::string describe_event(const TrainingEvent& event) {
  const std::string place = std::format("step {} of {}: ", event.step, event.total_steps);
  switch (event.kind) {
    case Kind::kStarted:
      if (event.step > 0) return std::format("going on behind step {} of {}", event.step, event.total_steps);
      return std::format("training for {} steps", event.total_steps);
    case Kind::kStep:
      if (!event.is_report) return {};
      return place + std::format("loss {:.4f}, sparsity {}, learning rate {:.2g}, {:.0f} tokens/s, {} left", event.loss,
                                 format_sparsity(event.sparsity), event.learning_rate, event.tokens_per_second,
                                 format_duration(event.seconds_left));
    case Kind::kEvaluation: return event.step == 0 ? losses(event) : place + losses(event);
    case Kind::kPublished: return place + "stored as " + event.adapter;
    case Kind::kWarning: return "hyprstream: " + event.message;
    case Kind::kCheckpoint: return place + "saved";
    case Kind::kStopped:
    case Kind::kFinished:
    case Kind::kFailed: return {};
  }
  return {};
}

TrainingView::TrainingView(Console& console, Style style)
    : console_(console), style_(style), on_terminal_(style == Style::kAuto && is_terminal(STDERR_FILENO)) {}

TrainingView::~TrainingView() { finish(); }

void TrainingView::show(const TrainingEvent& event) {
  if (style_ == Style::kNone) return;
  if (style_ == Style::kJson) return show_json(event);
  if (!on_terminal_) return show_line(event);
  if (event.kind == Kind::kStarted) curve_ = LossCurve(event.total_steps);
  if (event.kind == Kind::kStep) {
    last_ = event;
    curve_.add(event.step, event.loss);
  }
  if (event.kind == Kind::kEvaluation) {
    validation_ = event.validation_loss ? std::format("validation {:.4f}", *event.validation_loss) : "validation -";
    if (event.base_validation_loss) validation_ += std::format(" (base {:.4f})", *event.base_validation_loss);
    if (event.validation_loss) curve_.add_validation(event.step, *event.validation_loss);
  }
  if (event.kind == Kind::kWarning || (event.kind == Kind::kStarted && event.step > 0)) say(describe_event(event));
  const bool is_end = event.kind == Kind::kStopped || event.kind == Kind::kFinished || event.kind == Kind::kFailed;
  draw(/*even_if_just_drawn=*/is_end);
}

void TrainingView::show_json(const TrainingEvent& event) {
  if (!outcome_ || (event.kind == Kind::kStep && !event.is_report)) return;
  outcome_ = console_.write(json_line(event_json(event)));
}

void TrainingView::show_line(const TrainingEvent& event) {
  if (const auto line = describe_event(event); !line.empty()) console_.status(line);
}

void TrainingView::draw(bool even_if_just_drawn) {
  const auto now = Clock::now();
  if (curve_.empty() || (!even_if_just_drawn && now < next_)) return;
  next_ = now + kInterval;
  const std::size_t width = std::max<std::size_t>(terminal_width(STDERR_FILENO), 2) - 1;
  auto lines = curve_.render(width, kCurveRows);
  lines.append_range(render_training_lines(last_, validation_, width));
  std::string text = drawn_ > 0 ? std::format("\033[{}A", drawn_) : std::string();
  for (const auto& line : lines) text += "\r" + line + "\033[K\n";
  drawn_ = lines.size();
  write_error(text);
}

void TrainingView::erase() noexcept {
  if (drawn_ > 0) write_error(std::format("\033[{}A\r\033[J", drawn_));
  drawn_ = 0;
}

void TrainingView::say(const std::string& line) {
  erase();
  console_.status(line);
}

void TrainingView::finish() noexcept { drawn_ = 0; }

}  // namespace hyprstream
