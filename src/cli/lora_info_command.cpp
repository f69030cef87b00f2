// hyprstream lora info.
#include <optional>
#include <string>

#include "adapter_files/adapter_store.hpp"
#include "cli/adapter_picture.hpp"
#include "cli/adapter_report.hpp"
#include "cli/command_table.hpp"
#include "cli_options/lora_name.hpp"
#include "terminal/terminal.hpp"

namespace hyprstream {
namespace {

constexpr std::size_t kWidestPicture = 100;

class LoraInfoCommand final : public Command {
 public:
  CommandManual manual() const override {
    return {.description =
                "Shows what a stored adapter is, where it came from, and a picture of it: target modules down, layers "
                "across, darker where it is denser or stronger.",
            .examples = {{"hyprstream lora info first", "The newest version."},
                         {"hyprstream lora info first@1 --shade norm", "Version 1, shaded by the size of its effect."},
                         {"hyprstream lora info first --json", "For programs: also each layer and module."}}};
  }

  void declare(ArgumentList& arguments) override {
    declare_lora_name(arguments, name_);
    arguments.begin_section("Options");
    arguments.choice("--shade", "WHAT", shade_, {"density", "norm"},
                     "What the picture shows: the share of non-zeros, or the norm of alpha / rank * B * A");
    arguments.flag("--json", json_, "Print one JSON object instead");
  }

  Result<ExitCode> run(Console& console) override {
    const auto store = AdapterStore::of_user();
    HYPRSTREAM_ASSIGN(const auto version, find_named(store, name_));
    HYPRSTREAM_ASSIGN(const auto manifest, store.manifest(version));
    if (json_) {
      HYPRSTREAM_TRY(console.write(json_line(manifest_json(version, manifest))));
      return ExitCode::kSuccess;
    }
    const auto shade = shade_ == "norm" ? PictureShade::kNorm : PictureShade::kDensity;
    HYPRSTREAM_TRY(console.write(render_manifest(manifest) + '\n' +
                                 draw_adapter(manifest, shade, std::min(terminal_width(1), kWidestPicture))));
    return ExitCode::kSuccess;
  }

 private:
  std::optional<std::string> name_;
  std::string shade_ = "density";
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_lora_info_command() { return std::make_unique<LoraInfoCommand>(); }

}  // namespace hyprstream
