// An engine that fails whenever a step holds a certain token.
#pragma once

#include <memory>

#include "runtime/engine.hpp"

namespace hyprstream::testing_support {

std::unique_ptr<RuntimeEngine> failing_on(std::unique_ptr<RuntimeEngine> engine, Token poison);

}  // namespace hyprstream::testing_support
