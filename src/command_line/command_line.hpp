// The command line as CLI11 takes it apart. With settings.cpp the only place that sees CLI11.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "command_line/command.hpp"

namespace hyprstream {

// One command with its options in place. The arguments' targets lie in `command`.
struct DeclaredCommand {
  const CommandEntry* entry = nullptr;
  std::unique_ptr<Command> command;
  ArgumentList arguments;
};

// Options that every command takes, and the program without a command.
struct CommonOptions {
  bool help = false;
  bool verbose = false;
  bool version = false;  // only before a command

  void declare(ArgumentList& arguments, bool with_version);
};

// Everything the program takes, made from its table of commands: what is parsed, what --help prints
// and what the completion scripts know are all read from here. Not thread-safe.
class CommandTree {
 public:
  // Both must outlive the tree.
  CommandTree(std::span<const CommandEntry> table, std::span<const CommandGroup> groups);
  CommandTree(const CommandTree&) = delete;
  CommandTree& operator=(const CommandTree&) = delete;

  // Options of the program itself.
  const ArgumentList& program_arguments() const noexcept { return program_arguments_; }
  std::span<DeclaredCommand> commands() noexcept { return commands_; }
  std::span<const DeclaredCommand> commands() const noexcept { return commands_; }
  std::span<const CommandGroup> groups() const noexcept { return groups_; }
  CommonOptions& common() noexcept { return common_; }

  const DeclaredCommand* find(std::string_view path) const noexcept;

 private:
  CommonOptions common_;
  ArgumentList program_arguments_;
  std::vector<DeclaredCommand> commands_;
  std::span<const CommandGroup> groups_;
};

struct CommandChoice {
  DeclaredCommand* command = nullptr;  // nullptr: none was named
  std::string group;                   // "model" if only a group was named
};

// Finds the command and puts the options' values in place. `arguments`: argv without the
// program's name. With --help or --version the rest is not judged.
// Errors: kInvalidArgument: one sentence, with the nearest name for one that is unknown.
Result<CommandChoice> parse_command_line(CommandTree& tree, std::span<const std::string> arguments);

}  // namespace hyprstream
