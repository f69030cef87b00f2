#include "runtime/sampling.hpp"

#include <cmath>
#include <format>

namespace hyprstream {

Result<void> validate(const SamplingParams& params) {
  // Written so that NaN fails every test.
  const auto refuse = [](std::string_view field, std::string_view range, auto value) {
    return fail(ErrorCode::kInvalidArgument, std::format("{} must be {}, not {}", field, range, value));
  };
  if (!(params.temperature >= 0 && std::isfinite(params.temperature)))
    return refuse("temperature", "0 or more", params.temperature);
  if (params.top_k < 0) return refuse("top_k", "0 (all) or more", params.top_k);
  if (!(params.top_p > 0 && params.top_p <= 1)) return refuse("top_p", "above 0 and at most 1", params.top_p);
  if (!(params.min_p >= 0 && params.min_p <= 1)) return refuse("min_p", "from 0 to 1", params.min_p);
  if (!(params.repetition_penalty > 0 && std::isfinite(params.repetition_penalty)))
    return refuse("repetition_penalty", "above 0 (1 is off)", params.repetition_penalty);
  if (!std::isfinite(params.frequency_penalty))
    return refuse("frequency_penalty", "a finite number", params.frequency_penalty);
  if (!std::isfinite(params.presence_penalty))
    return refuse("presence_penalty", "a finite number", params.presence_penalty);
  if (params.penalty_last_n < -1)
    return refuse("penalty_last_n", "-1 (the whole context) or more", params.penalty_last_n);
  for (const auto& bias : params.logit_bias)
    if (std::isnan(bias.bias) || bias.bias == INFINITY)
      return refuse("logit_bias", "a finite number or -infinity", bias.bias);
  return {};
}

}  // namespace hyprstream
