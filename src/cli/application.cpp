#include "cli/application.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <exception>
#include <format>
#include <new>
#include <utility>

#include "base/log.hpp"
#include "cli/command_table.hpp"
#include "cli/version.hpp"
#include "command_line/command_line.hpp"
#include "command_line/help.hpp"
#include "terminal/console.hpp"
#include "terminal/printable.hpp"
#include "terminal/terminal.hpp"

namespace hyprstream {
namespace {

constexpr std::size_t kWidestHelp = 100;

Result<void> set_log_level_from_environment() {
  static constexpr std::array<std::pair<std::string_view, LogLevel>, 5> kLevels{{{"debug", LogLevel::kDebug},
                                                                                 {"info", LogLevel::kInfo},
                                                                                 {"warning", LogLevel::kWarning},
                                                                                 {"error", LogLevel::kError},
                                                                                 {"off", LogLevel::kOff}}};
  const char* name = std::getenv("HYPRSTREAM_LOG");
  if (name == nullptr || *name == '\0') return {};
  const auto level = std::ranges::find(kLevels, name, &std::pair<std::string_view, LogLevel>::first);
  if (level == kLevels.end())
    return fail(ErrorCode::kInvalidArgument,
                std::format("HYPRSTREAM_LOG must be one of debug, info, warning, error, off, not '{}'", name));
  set_log_level(level->second);
  return {};
}

Result<ExitCode> run_command(std::span<const std::string> arguments, Console& console) {
  HYPRSTREAM_TRY(set_log_level_from_environment());
  CommandTree tree(command_table(), command_groups());
  HYPRSTREAM_ASSIGN(const auto choice, parse_command_line(tree, arguments));
  const std::size_t width = std::min(terminal_width(1), kWidestHelp);
  console.set_verbose(tree.common().verbose);
  if (choice.command != nullptr && !tree.common().help) return choice.command->command->run(console);
  if (tree.common().version) {
    HYPRSTREAM_TRY(console.write(render_versions()));
    return ExitCode::kSuccess;
  }
  const std::string help = choice.command != nullptr ? render_command_help(*choice.command, width)
                           : choice.group.empty()    ? render_program_help(tree, width)
                                                     : render_group_help(tree, choice.group, width);
  if (tree.common().help) {
    HYPRSTREAM_TRY(console.write(help));
    return ExitCode::kSuccess;
  }
  // Nothing was asked for: the same text, but as a complaint.
  console.status(help.substr(0, help.size() - 1));
  return ExitCode::kUsage;
}

}  // namespace

ExitCode run_application(std::span<const std::string> arguments) {
  Console console;
  Result<ExitCode> result = ExitCode::kFailure;
  try {
    result = run_command(arguments, console);
  } catch (const std::bad_alloc&) {
    result = fail(ErrorCode::kResourceExhausted, "there is not enough memory for this");
  } catch (const std::exception& error) {
    result = fail(ErrorCode::kInternal, std::format("this is a bug in hyprstream: {}", error.what()));
  }
  if (result) return *result;
  if (console.reader_gone()) return ExitCode::kReaderGone;
  console.status("hyprstream: " + printable_line(result.error().message));
  return exit_code_for(result.error().code);
}

}  // namespace hyprstream
