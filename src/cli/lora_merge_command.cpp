// hyprstream lora merge.
#include <filesystem>
#include <format>
#include <optional>
#include <string>

#include "adapter_files/adapter_store.hpp"
#include "adapter_files/merge.hpp"
#include "cli/command_table.hpp"
#include "cli_options/adapter_choice.hpp"
#include "terminal/interrupt.hpp"
#include "terminal/printable.hpp"
#include "terminal/progress_line.hpp"
#include "terminal/terminal.hpp"

namespace hyprstream {
namespace {

class LoraMergeCommand final : public Command {
 public:
  CommandManual manual() const override {
    return {
        .description =
            "Writes a copy of the base model with the adapter built in, for programs that know no adapters. Weights "
            "that it acts on are dequantized, changed and quantized again; the rest of the model stays bit by bit.",
        .examples = {{"hyprstream lora merge first -o merged.gguf", "Changed weights keep their types."},
                     {"hyprstream lora merge first:0.5 -o merged.gguf --quantize Q8_0",
                      "At half its strength, changed weights as Q8_0."}}};
  }

  void declare(ArgumentList& arguments) override {
    arguments.positional("NAME", ValueKind::kText, name_, "An adapter, with a scale if wanted: NAME[@VERSION][:SCALE]");
    arguments.begin_section("Options");
    arguments.file("--output,-o", "GGUF", output_, "The file to make");
    arguments.file("--base,-b", "MODEL", base_, "The model", "the one that the adapter was made for");
    arguments.text("--quantize", "TYPE", type_, "Type of the changed weights: F32, F16, BF16, Q8_0, Q4_0, Q4_K, ...",
                   "each keeps its own");
    arguments.flag("--force", force_, "Replace a file that is there");
  }

  Result<ExitCode> run(Console& console) override {
    if (!name_) return fail(ErrorCode::kInvalidArgument, "NAME is missing: 'hyprstream lora list' shows the adapters");
    if (!output_) return fail(ErrorCode::kInvalidArgument, "say where to write the model with -o FILE.gguf");
    std::error_code error;
    if (!force_ && std::filesystem::exists(*output_, error))
      return fail(ErrorCode::kAlreadyExists,
                  *output_ + " is there already: choose another name, or replace it with --force");
    MergeOptions options;
    if (type_) {
      options.type = tensor_type_from_name(*type_);
      if (!options.type)
        return fail(
            ErrorCode::kInvalidArgument,
            std::format("--quantize knows no type {}: give one such as Q8_0, Q4_0, Q4_K or F16", in_quotes(*type_)));
    }
    const auto store = AdapterStore::of_user();
    HYPRSTREAM_ASSIGN(const auto choice, parse_adapter_choice(*name_));
    HYPRSTREAM_ASSIGN(const auto version, store.find(choice.reference));
    HYPRSTREAM_ASSIGN(const auto manifest, store.manifest(version));
    HYPRSTREAM_ASSIGN(const auto base, base_path_for(manifest, base_, console));
    HYPRSTREAM_ASSIGN(const auto adapter, store.load(version, true));
    if (!adapter.changes_anything())
      console.status(
          std::format("hyprstream: adapter '{}' changes nothing: the copy will be the base model", version.name));
    const WeightedAdapter weighted{&adapter, choice.scale};
    const InterruptScope interrupt;
    ProgressLine progress("Merging " + version.reference());
    HYPRSTREAM_TRY(merge_adapters(base, {&weighted, 1}, *output_, options, [&](float share) {
      progress.update(share);
      return !interrupt.was_interrupted();
    }));
    console.status(std::format("Merged {} into {} ({})", version.reference(), printable_line(*output_),
                               format_bytes(std::filesystem::file_size(*output_, error))));
    return ExitCode::kSuccess;
  }

 private:
  std::optional<std::string> name_;
  std::optional<std::string> output_;
  std::optional<std::string> base_;
  std::optional<std::string> type_;
  bool force_ = false;
};

}  // namespace

std::unique_ptr<Command> make_lora_merge_command() { return std::make_unique<LoraMergeCommand>(); }

}  // namespace hyprstream
