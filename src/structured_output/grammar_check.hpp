// Whether a grammar that we wrote can be followed to an end. Internal to structured_output.
#pragma once

#include <span>
#include <string>
#include <utility>

#include "base/error.hpp"

namespace hyprstream {

// `rules`: name and body of each, every name defined once.
// Errors: kInvalidArgument (a rule that leads back to itself before any character, or never to an end: a schema that
// refers to itself in such a way), naming the rule; kInternal (a body that is no GBNF).
Result<void> check_grammar(std::span<const std::pair<std::string, std::string>> rules);

}  // namespace hyprstream
