#include <array>

#include "cli/command_table.hpp"

namespace hyprstream {

std::span<const CommandEntry> command_table() noexcept {
  static constexpr std::array kCommands{
      CommandEntry{"quick-start", "See that everything works: text from the bundled model", make_quick_start_command},
      CommandEntry{"run", "Answer one prompt, or chat", make_run_command},
      CommandEntry{"model pull", "Fetch a model from a registry", make_model_pull_command},
      CommandEntry{"model list", "The models on this disk", make_model_list_command},
      CommandEntry{"model info", "What a model's file, or its repository, says about it", make_model_info_command},
      CommandEntry{"model search", "Find models on the hub", make_model_search_command},
      CommandEntry{"model verify", "Compare models with their digests", make_model_verify_command},
      CommandEntry{"model remove", "Remove a model from the cache", make_model_remove_command},
      CommandEntry{"model registries", "Where models come from, and their short names", make_model_registries_command},
      CommandEntry{"lora create", "Make a new adapter", make_lora_create_command},
      CommandEntry{"lora list", "The stored adapters", make_lora_list_command},
      CommandEntry{"lora info", "What an adapter is, with a picture", make_lora_info_command},
      CommandEntry{"lora sparsify", "Prune an adapter into its next version", make_lora_sparsify_command},
      CommandEntry{"lora train", "Learn an adapter from examples", make_lora_train_command},
      CommandEntry{"lora eval", "Measure an adapter on examples", make_lora_eval_command},
      CommandEntry{"lora import", "Store an adapter from PEFT or llama.cpp", make_lora_import_command},
      CommandEntry{"lora export", "Write an adapter for PEFT or llama.cpp", make_lora_export_command},
      CommandEntry{"lora merge", "Write a model with an adapter built in", make_lora_merge_command},
      CommandEntry{"lora compare", "Measure what an adapter changes", make_lora_compare_command},
      CommandEntry{"lora delete", "Remove an adapter", make_lora_delete_command},
      CommandEntry{"server", "Serve a model and its adapters to OpenAI's clients", make_server_command},
      CommandEntry{"sql", "Query everything hyprstream knows, and your own tables", make_sql_command},
      CommandEntry{"completion", "Print a completion script for bash or zsh", make_completion_command},
  };
  return kCommands;
}

std::span<const CommandGroup> command_groups() noexcept {
  static constexpr std::array kGroups{
      CommandGroup{"model", "Get models, look at them, remove them"},
      CommandGroup{"lora", "Make, train, prune, compare and exchange adapters"},
  };
  return kGroups;
}

}  // namespace hyprstream
