// Shell completion, written from the command tree.
#pragma once

#include <string>

#include "command_line/command_line.hpp"

namespace hyprstream {

// To be sourced, or put where bash-completion looks: completes commands, options, their choices
// and files. Needs nothing but bash 4.
std::string render_bash_completion(const CommandTree& tree);

// To be put as `_hyprstream` into a directory of $fpath, or sourced after compinit.
std::string render_zsh_completion(const CommandTree& tree);

}  // namespace hyprstream
