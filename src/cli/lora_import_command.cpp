// hyprstream lora import.
#include <filesystem>
#include <format>
#include <optional>
#include <string>

#include "adapter_files/new_adapter.hpp"
#include "cli/adapter_report.hpp"
#include "cli/command_table.hpp"
#include "cli_options/model_reference.hpp"
#include "cli_options/model_source.hpp"

namespace hyprstream {
namespace {

class LoraImportCommand final : public Command {
 public:
  CommandManual manual() const override {
    return {
        .description =
            "Stores an adapter that was made elsewhere: a PEFT directory (adapter_config.json and "
            "adapter_model.safetensors), llama.cpp's LoRA GGUF, or an exported hyprstream adapter. What it is, its "
            "content says. Values stay as they are; 'lora sparsify' prunes.",
        .examples = {{"hyprstream lora import ./my-peft-adapter --base qwen3-0.6b-q8_0.gguf", "From PEFT."},
                     {"hyprstream lora import hf://org/my-adapter --base qwen3-0.6b", "From the hub."},
                     {"hyprstream lora import style.gguf --name style", "For the bundled model, under another name."}}};
  }

  void declare(ArgumentList& arguments) override {
    arguments.positional("PATH", ValueKind::kFile, path_, "A directory or file, or hf://org/repo of a PEFT adapter");
    arguments.begin_section("Options");
    arguments.file("--base,-b", "MODEL", base_, "The model that it shall run on", "the bundled one");
    arguments.text("--name,-n", "NAME", name_, "Its name here", "its own, or that of the file");
    arguments.flag("--json", json_, "Print one JSON object instead of a table");
  }

  Result<ExitCode> run(Console& console) override {
    if (!path_ || path_->empty())
      return fail(ErrorCode::kInvalidArgument,
                  "PATH is missing: name a PEFT directory, a LoRA GGUF or an exported adapter");
    if (name_) HYPRSTREAM_TRY(check_adapter_name(*name_));
    HYPRSTREAM_ASSIGN(const auto base_path, local_model_path(base_, console));
    HYPRSTREAM_ASSIGN(const auto base, read_base_model(base_path).transform_error(with_model_remedy));
    HYPRSTREAM_ASSIGN(const auto path, local_adapter_path(*path_, console));
    const auto store = AdapterStore::of_user();
    HYPRSTREAM_ASSIGN(const auto imported,
                      import_into_store(store, base, {.path = path, .shown_as = *path_, .name = name_}, base_path));
    const auto& version = imported.version;
    HYPRSTREAM_ASSIGN(const auto manifest, store.manifest(version));
    HYPRSTREAM_TRY(console.write(json_ ? json_line(manifest_json(version, manifest)) : render_manifest(manifest)));
    if (!imported.changes_anything)
      console.status(std::format("hyprstream: adapter '{}' changes nothing: B * A is zero everywhere", version.name));
    return ExitCode::kSuccess;
  }

 private:
  std::optional<std::string> path_;
  std::optional<std::string> base_;
  std::optional<std::string> name_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_lora_import_command() { return std::make_unique<LoraImportCommand>(); }

}  // namespace hyprstream
