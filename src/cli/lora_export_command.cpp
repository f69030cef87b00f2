// hyprstream lora export.
#include <filesystem>
#include <format>
#include <optional>
#include <string>

#include "adapter_files/adapter_file.hpp"
#include "adapter_files/adapter_store.hpp"
#include "adapter_files/gguf_lora_file.hpp"
#include "adapter_files/peft_directory.hpp"
#include "cli/command_table.hpp"
#include "cli_options/lora_name.hpp"
#include "terminal/printable.hpp"

namespace hyprstream {
namespace {

class LoraExportCommand final : public Command {
 public:
  CommandManual manual() const override {
    return {
        .description =
            "Writes a stored adapter for other programs. 'peft' is a directory for PEFT and vLLM, 'gguf' a file for "
            "llama.cpp; both are dense, so that a 99% sparse adapter grows by a factor of about 50. 'native' is "
            "hyprstream's own sparse file.",
        .examples = {{"hyprstream lora export first --format gguf -o first.gguf", "For llama-server --lora."},
                     {"hyprstream lora export first --format peft -o ./first-peft", "For PEFT."}}};
  }

  void declare(ArgumentList& arguments) override {
    declare_lora_name(arguments, name_);
    arguments.begin_section("Options");
    arguments.choice("--format", "FORMAT", format_, {"native", "gguf", "peft"}, "What to write");
    arguments.file("--output,-o", "PATH", output_, "The file, or for peft the directory, to make");
    arguments.flag("--force", force_, "Replace a file that is there");
  }

  Result<ExitCode> run(Console& console) override {
    const auto store = AdapterStore::of_user();
    HYPRSTREAM_ASSIGN(const auto version, find_named(store, name_));
    if (!output_) return fail(ErrorCode::kInvalidArgument, "say where to write it with -o PATH");
    const std::filesystem::path path = *output_;
    std::error_code ignored;
    if (format_ != "peft" && !force_ && std::filesystem::exists(path, ignored))
      return fail(ErrorCode::kAlreadyExists,
                  path.string() + " is there already: choose another name, or replace it with --force");
    HYPRSTREAM_ASSIGN(const auto adapter, store.load(version, true));
    if (format_ == "peft")
      HYPRSTREAM_TRY(write_peft_directory(adapter, path));
    else if (format_ == "gguf")
      HYPRSTREAM_TRY(write_gguf_lora(adapter, path));
    else
      HYPRSTREAM_TRY(write_adapter_file(adapter, path));
    console.status(std::format("Wrote {} as {} to {}", version.reference(), format_, printable_line(path.string())));
    return ExitCode::kSuccess;
  }

 private:
  std::optional<std::string> name_;
  std::string format_ = "native";
  std::optional<std::string> output_;
  bool force_ = false;
};

}  // namespace

std::unique_ptr<Command> make_lora_export_command() { return std::make_unique<LoraExportCommand>(); }

}  // namespace hyprstream
