// How large the steps of an optimizer are, over the course of training.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace hyprstream {

enum class LearningRateSchedule : std::uint8_t {
  kCosine,    // half a cosine wave from the peak to 0 (Loshchilov and Hutter 2017, arXiv:1608.03983)
  kLinear,    // a line from the peak to 0
  kConstant,  // the peak
};
std::string_view schedule_name(LearningRateSchedule schedule) noexcept;  // "cosine", ...
std::optional<LearningRateSchedule> parse_schedule(std::string_view name) noexcept;

struct LearningRate {
  double peak = 2e-4;  // above 0
  LearningRateSchedule schedule = LearningRateSchedule::kCosine;
  double warmup = 0.05;         // share of all steps over which the rate rises to the peak, in [0, 1)
  std::size_t total_steps = 1;  // at least 1

  // Of a step, from 0. Never 0, so that each step learns.
  double at(std::size_t step) const noexcept;
};

}  // namespace hyprstream
