// hyprstream completion.
#include <optional>
#include <string>

#include "cli/command_table.hpp"
#include "command_line/completion_script.hpp"

namespace hyprstream {
namespace {

class CompletionCommand final : public Command {
 public:
  CommandManual manual() const override {
    return {.description = "Prints a script that teaches your shell the commands and options of hyprstream.",
            .examples = {{"source <(hyprstream completion bash)", "bash, for this shell; in ~/.bashrc, for each."},
                         {"hyprstream completion zsh > \"${fpath[1]}/_hyprstream\"", "zsh, from the next shell on."}}};
  }

  void declare(ArgumentList& arguments) override {
    arguments.positional("SHELL", ValueKind::kChoice, shell_, "The shell: bash or zsh", {"bash", "zsh"});
  }

  Result<ExitCode> run(Console& console) override {
    if (!shell_) return fail(ErrorCode::kInvalidArgument, "name the shell: hyprstream completion bash, or zsh");
    const CommandTree tree(command_table(), command_groups());
    HYPRSTREAM_TRY(console.write(*shell_ == "bash" ? render_bash_completion(tree) : render_zsh_completion(tree)));
    return ExitCode::kSuccess;
  }

 private:
  std::optional<std::string> shell_;
};

}  // namespace

std::unique_ptr<Command> make_completion_command() { return std::make_unique<CompletionCommand>(); }

}  // namespace hyprstream
