// hyprstream lora delete.
#include <unistd.h>

#include <format>
#include <optional>
#include <string>

#include "adapter_files/adapter_store.hpp"
#include "cli/command_table.hpp"
#include "cli_options/lora_name.hpp"
#include "terminal/confirm.hpp"
#include "terminal/terminal.hpp"

namespace hyprstream {
namespace {

class LoraDeleteCommand final : public Command {
 public:
  CommandManual manual() const override {
    return {.description = "Removes an adapter with all its versions, or one version. Asks first.",
            .examples = {{"hyprstream lora delete first", "All of it."},
                         {"hyprstream lora delete first@2 --yes", "One version, without asking."}}};
  }

  void declare(ArgumentList& arguments) override {
    declare_lora_name(arguments, name_);
    arguments.begin_section("Options");
    arguments.flag("--yes,-y", yes_, "Do not ask");
  }

  Result<ExitCode> run(Console& console) override {
    const auto store = AdapterStore::of_user();
    HYPRSTREAM_ASSIGN(const auto version, find_named(store, name_));
    const bool is_one_version = name_->contains('@');
    const auto count = store.versions(version.name).size();
    const std::string what = is_one_version ? version.reference()
                             : count == 1   ? std::format("adapter '{}'", version.name)
                                            : std::format("adapter '{}' with its {} versions", version.name, count);
    if (!yes_) {
      HYPRSTREAM_ASSIGN(const bool is_sure, confirm(std::format("Remove {}?", what), "--yes"));
      if (!is_sure) {
        console.status("Nothing was removed.");
        return ExitCode::kFailure;
      }
    }
    HYPRSTREAM_TRY(is_one_version ? store.remove(version) : store.remove_all(version.name));
    console.status("Removed " + what);
    return ExitCode::kSuccess;
  }

 private:
  std::optional<std::string> name_;
  bool yes_ = false;
};

}  // namespace

std::unique_ptr<Command> make_lora_delete_command() { return std::make_unique<LoraDeleteCommand>(); }

}  // namespace hyprstream
