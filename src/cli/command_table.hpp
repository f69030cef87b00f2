// The table of all commands.
#pragma once

#include <memory>
#include <span>

#include "command_line/command.hpp"

namespace hyprstream {

// In the order in which --help lists them.
std::span<const CommandEntry> command_table() noexcept;
std::span<const CommandGroup> command_groups() noexcept;

// ---- One per file ----
std::unique_ptr<Command> make_quick_start_command();
std::unique_ptr<Command> make_run_command();
std::unique_ptr<Command> make_model_pull_command();
std::unique_ptr<Command> make_model_list_command();
std::unique_ptr<Command> make_model_info_command();
std::unique_ptr<Command> make_model_search_command();
std::unique_ptr<Command> make_model_verify_command();
std::unique_ptr<Command> make_model_remove_command();
std::unique_ptr<Command> make_model_registries_command();
std::unique_ptr<Command> make_lora_create_command();
std::unique_ptr<Command> make_lora_list_command();
std::unique_ptr<Command> make_lora_info_command();
std::unique_ptr<Command> make_lora_sparsify_command();
std::unique_ptr<Command> make_lora_train_command();
std::unique_ptr<Command> make_lora_eval_command();
std::unique_ptr<Command> make_lora_import_command();
std::unique_ptr<Command> make_lora_export_command();
std::unique_ptr<Command> make_lora_merge_command();
std::unique_ptr<Command> make_lora_compare_command();
std::unique_ptr<Command> make_lora_delete_command();
std::unique_ptr<Command> make_server_command();
std::unique_ptr<Command> make_sql_command();
std::unique_ptr<Command> make_completion_command();

}  // namespace hyprstream
