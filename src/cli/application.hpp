// The program: finds the command, runs it, reports what went wrong.
#pragma once

#include <span>
#include <string>

#include "terminal/exit_code.hpp"

namespace hyprstream {

// `arguments`: argv without the program's name. Prints, but never exits.
ExitCode run_application(std::span<const std::string> arguments);

}  // namespace hyprstream
