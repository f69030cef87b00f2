// The options that say how the next token is chosen and when a text ends.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "command_line/argument_list.hpp"
#include "runtime/engine.hpp"

namespace hyprstream {

// Most tokens to generate: a number that the user gave is checked against the context, a default
// is cut to it.
struct MaxTokensFlag {
  explicit MaxTokensFlag(int when_not_given) : fallback(when_not_given) {}

  int fallback;
  std::optional<int> given;

  void declare(ArgumentList& arguments);
  // Errors: kInvalidArgument (more than the context holds; names both).
  Result<int> settle(const RuntimeEngine& engine) const;
};

struct SamplingFlags {
  SamplingParams params;
  std::vector<std::string> stop;

  void declare(ArgumentList& arguments);
};

}  // namespace hyprstream
