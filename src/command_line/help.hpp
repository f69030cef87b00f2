// --help, written from the command tree.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "command_line/command_line.hpp"

namespace hyprstream {

// The list of commands. `width`: columns to wrap at.
std::string render_program_help(const CommandTree& tree, std::size_t width);
// The commands of one group, for example "model".
std::string render_group_help(const CommandTree& tree, std::string_view group, std::size_t width);
// Everything about one command.
std::string render_command_help(const DeclaredCommand& declared, std::size_t width);

}  // namespace hyprstream
