// A command of the program.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "command_line/argument_list.hpp"
#include "terminal/console.hpp"
#include "terminal/exit_code.hpp"

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

// Groups of commands: the words before the last one of a path.
struct CommandGroup {
  std::string_view name;
  std::string_view summary;
};

}  // namespace hyprstream
