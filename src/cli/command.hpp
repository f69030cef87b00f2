// A command of the program, and the table of all of them.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "cli/argument_list.hpp"
#include "cli/console.hpp"
#include "cli/exit_code.hpp"

namespace hyprstream {

struct CommandExample {
  std::string_view command;
  std::string_view explanation;
};

// What --help says beside the options.
struct CommandManual {
  std::string_view description;
  std::vector<CommandExample> examples;
};

// Lives for one run of the program. Not thread-safe.
class Command {
 public:
  virtual ~Command() = default;

  virtual CommandManual manual() const = 0;
  // The targets are members of the command.
  virtual void declare(ArgumentList& arguments) = 0;
  // Called once, after the options are in place. An error is reported by the caller.
  virtual Result<ExitCode> run(Console& console) = 0;
};

struct CommandEntry {
  std::string_view path;     // "quick-start", "model info"
  std::string_view summary;  // one line for the list of commands
  std::unique_ptr<Command> (*make)();
};

// In the order in which --help lists them.
std::span<const CommandEntry> command_table() noexcept;

// Groups of commands: the words before the last one of a path.
struct CommandGroup {
  std::string_view name;
  std::string_view summary;
};
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
