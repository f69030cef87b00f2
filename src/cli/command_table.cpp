#include <array>

#include "cli/command.hpp"

namespace hyprstream {

std::span<const CommandEntry> command_table() noexcept {
  static constexpr std::array kCommands{
      CommandEntry{"quick-start", "See that everything works: text from the bundled model", make_quick_start_command},
      CommandEntry{"run", "Answer one prompt, or chat", make_run_command},
      CommandEntry{"model info", "What a model's file says about it", make_model_info_command},
      CommandEntry{"lora create", "Make a new adapter", make_lora_create_command},
      CommandEntry{"lora list", "The stored adapters", make_lora_list_command},
      CommandEntry{"lora info", "What an adapter is, with a picture", make_lora_info_command},
      CommandEntry{"lora sparsify", "Prune an adapter into its next version", make_lora_sparsify_command},
      CommandEntry{"lora import", "Store an adapter from PEFT or llama.cpp", make_lora_import_command},
      CommandEntry{"lora export", "Write an adapter for PEFT or llama.cpp", make_lora_export_command},
      CommandEntry{"lora merge", "Write a model with an adapter built in", make_lora_merge_command},
      CommandEntry{"lora compare", "Measure what an adapter changes", make_lora_compare_command},
      CommandEntry{"lora delete", "Remove an adapter", make_lora_delete_command},
      CommandEntry{"completion", "Print a completion script for bash or zsh", make_completion_command},
  };
  return kCommands;
}

std::span<const CommandGroup> command_groups() noexcept {
  static constexpr std::array kGroups{
      CommandGroup{"model", "Look at models"},
      CommandGroup{"lora", "Make, prune, compare and exchange adapters"},
  };
  return kGroups;
}

}  // namespace hyprstream
