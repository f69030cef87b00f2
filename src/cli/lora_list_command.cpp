// hyprstream lora list.
#include <format>
#include <string>

#include "adapter_files/adapter_store.hpp"
#include "cli/adapter_report.hpp"
#include "cli/command_table.hpp"
#include "terminal/printable.hpp"
#include "terminal/terminal.hpp"

namespace hyprstream {
namespace {

// All seven would fill the line.
std::string describe_targets(std::span<const LinearModule> modules) {
  return modules.size() == kLinearModuleCount ? "all" : format_target_modules(modules);
}

class LoraListCommand final : public Command {
 public:
  CommandManual manual() const override {
    return {.description = "Lists the stored adapters, each with its newest version.",
            .examples = {{"hyprstream lora list", "A table."},
                         {"hyprstream lora list --json", "A JSON object a line, for programs."}}};
  }

  void declare(ArgumentList& arguments) override {
    arguments.flag("--json", json_, "Print one JSON object a line instead of a table");
  }

  Result<ExitCode> run(Console& console) override {
    const auto store = AdapterStore::of_user();
    Table table({Align::kLeft, Align::kRight, Align::kLeft, Align::kRight, Align::kLeft, Align::kRight, Align::kRight,
                 Align::kRight, Align::kLeft});
    table.add_row({"NAME", "VERSION", "BASE", "RANK", "TARGETS", "SPARSITY", "NON-ZEROS", "SIZE", "CREATED"});
    std::string lines;
    std::size_t shown = 0;
    for (const auto& version : store.list()) {
      const auto manifest = store.manifest(version);
      if (!manifest) {
        console.status("hyprstream: " + printable_line(manifest.error().message));
        continue;
      }
      ++shown;
      const auto& description = manifest->description;
      if (json_)
        lines += json_line(manifest_json(version, *manifest));
      else
        table.add_row({version.name, std::to_string(version.version), printable_line(description.base.name),
                       std::to_string(description.rank), describe_targets(description.target_modules),
                       format_sparsity(manifest->sparsity()), std::to_string(manifest->nnz),
                       format_bytes(manifest->file_bytes), manifest->created_at.substr(0, 10)});
    }
    if (json_)
      HYPRSTREAM_TRY(console.write(lines));
    else if (shown > 0)
      HYPRSTREAM_TRY(console.write(table.render()));
    else
      console.status("There are no adapters yet: 'hyprstream lora create' makes one.");
    return ExitCode::kSuccess;
  }

 private:
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_lora_list_command() { return std::make_unique<LoraListCommand>(); }

}  // namespace hyprstream
