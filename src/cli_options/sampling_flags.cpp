#include "cli_options/sampling_flags.hpp"

#include <algorithm>
#include <format>
#include <limits>

namespace hyprstream {

void MaxTokensFlag::declare(ArgumentList& arguments) {
  arguments.integer("--max-tokens,-n", given, {1, std::numeric_limits<int>::max()},
                    "Most tokens to generate, not more than --ctx-size", std::to_string(fallback));
}

Result<int> MaxTokensFlag::settle(const RuntimeEngine& engine) const {
  const int context = engine.options().context_length;
  if (given && *given > context)
    return fail(
        ErrorCode::kInvalidArgument,
        std::format("--max-tokens {} is more than the context of {} tokens holds: ask for fewer{}", *given, context,
                    context < engine.model_info().context_length ? ", or make --ctx-size larger" : ""));
  return given.value_or(std::min(fallback, context));
}

void SamplingFlags::declare(ArgumentList& arguments) {
  arguments.begin_section("Sampling");
  arguments.number("--temperature", params.temperature, {0, 100}, "Randomness: 0 always takes the most likely token");
  arguments.integer("--top-k", params.top_k, {0, std::numeric_limits<int>::max()},
                    "Choose among the N most likely tokens; 0 for all");
  arguments.number("--top-p", params.top_p, {0.001F, 1},
                   "Choose among the fewest tokens that have this probability together; 1 for all");
  arguments.number("--min-p", params.min_p, {0, 1},
                   "Leave out tokens that are less likely than this share of the most likely one");
  arguments.number("--repetition-penalty", params.repetition_penalty, {0.01F, 100},
                   "Makes tokens of the last 64 less likely; 1 for off");
  arguments.number("--frequency-penalty", params.frequency_penalty, {-100, 100},
                   "Makes a token less likely each time it occurs");
  arguments.number("--presence-penalty", params.presence_penalty, {-100, 100},
                   "Makes a token that has occurred less likely");
  arguments.seed("--seed,-s", params.seed, "Start of the random numbers");
  arguments.texts("--stop", "TEXT", stop, "End the text where this would appear");
}

}  // namespace hyprstream
