// Asking before something is lost.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace hyprstream {

// Asks "QUESTION [y/N] " on standard error and reads one line; only "y" and "yes" mean yes.
// Errors: kInvalidArgument (there is nobody to ask: names `flag`, which answers in advance).
Result<bool> confirm(const std::string& question, std::string_view flag);

}  // namespace hyprstream
