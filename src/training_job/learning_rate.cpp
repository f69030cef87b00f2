#include "training_job/learning_rate.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace hyprstream {
namespace {

constexpr std::array<std::string_view, 3> kNames{"cosine", "linear", "constant"};

}  // namespace

std::string_view schedule_name(LearningRateSchedule schedule) noexcept {
  return kNames[static_cast<std::size_t>(schedule)];
}

std::optional<LearningRateSchedule> parse_schedule(std::string_view name) noexcept {
  const auto found = std::ranges::find(kNames, name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<LearningRateSchedule>(found - kNames.begin());
}

double LearningRate::at(std::size_t step) const noexcept {
  const auto rising = static_cast<std::size_t>(std::ceil(warmup * static_cast<double>(total_steps)));
  if (step < rising) return peak * static_cast<double>(step + 1) / static_cast<double>(rising);
  const std::size_t falling = total_steps > rising ? total_steps - rising : 1;
  const double share = static_cast<double>(std::min(step - rising, falling - 1)) / static_cast<double>(falling);
  switch (schedule) {
    case LearningRateSchedule::kCosine: return peak * 0.5 * (1 + std::cos(std::numbers::pi * share));
    case LearningRateSchedule::kLinear: return peak * (1 - share);
    case LearningRateSchedule::kConstant: return peak;
  }
  return peak;
}

}  // namespace hyprstream
