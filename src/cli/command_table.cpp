#include <array>

#include "cli/command.hpp"

namespace hyprstream {

std::span<const CommandEntry> command_table() noexcept {
  static constexpr std::array kCommands{
      CommandEntry{"quick-start", "See that everything works: text from the bundled model", make_quick_start_command},
      CommandEntry{"run", "Answer one prompt, or chat", make_run_command},
      CommandEntry{"model info", "What a model's file says about it", make_model_info_command},
      CommandEntry{"completion", "Print a completion script for bash or zsh", make_completion_command},
  };
  return kCommands;
}

std::span<const CommandGroup> command_groups() noexcept {
  static constexpr std::array kGroups{
      CommandGroup{"model", "Look at models"},
  };
  return kGroups;
}

}  // namespace hyprstream
