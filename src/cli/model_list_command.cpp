// hyprstream model list.
#include <array>
#include <ctime>
#include <format>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/paths.hpp"
#include "cli/command_table.hpp"
#include "cli_options/local_models.hpp"
#include "cli_options/model_reference.hpp"
#include "cli_options/model_source.hpp"
#include "gguf/model_info.hpp"
#include "terminal/printable.hpp"
#include "terminal/terminal.hpp"

namespace hyprstream {
namespace {

// What the file's header says; nothing if it is no model, or damaged.
std::optional<ModelInfo> info_of(const std::filesystem::path& path) {
  const auto file = GgufFile::open(path);
  if (!file) return std::nullopt;
  auto info = read_model_info(*file);
  if (!info) return std::nullopt;
  return std::move(*info);
}

std::string format_time(std::chrono::system_clock::time_point when, const char* format) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(when);
  std::tm local{};
  ::localtime_r(&seconds, &local);
  std::array<char, 64> text{};
  return {text.data(), std::strftime(text.data(), text.size(), format, &local)};
}

class ModelListCommand final : public Command {
 public:
  CommandManual manual() const override {
    return {
        .description =
            "Lists the models on this disk: the bundled one and those in the Hugging Face cache, also what other tools "
            "have put there.",
        .examples = {{"hyprstream model list", "A table."},
                     {"hyprstream model list --json", "For programs: an array of objects."}}};
  }

  void declare(ArgumentList& arguments) override {
    arguments.begin_section("Options");
    arguments.flag("--json", json_, "Print a JSON array instead of a table");
  }

  Result<ExitCode> run(Console& console) override {
    HYPRSTREAM_ASSIGN(const auto settings, HubFlags{.offline = true}.settings());
    HYPRSTREAM_ASSIGN(const auto models, list_local_models(settings));
    HYPRSTREAM_TRY(console.write(json_ ? render_json(models) : render_table(models)));
    return ExitCode::kSuccess;
  }

 private:
  static std::string render_table(const std::vector<LocalModel>& models) {
    Table table({Align::kLeft, Align::kLeft, Align::kRight, Align::kRight, Align::kLeft});
    table.add_row({"NAME", "QUANTIZATION", "PARAMETERS", "SIZE", "LAST USED"});
    if (const auto info = info_of(bundled_model_path()))
      table.add_row({std::string(kBundledModel), printable_line(info->quantization), format_count(info->parameters),
                     format_bytes(info->file_size), ""});
    for (const auto& model : models) {
      const auto info = info_of(model.path);
      table.add_row({printable_line(model.name), info ? printable_line(info->quantization) : model.quantization,
                     info ? format_count(info->parameters) : "-", format_bytes(model.size),
                     format_time(model.last_used, "%Y-%m-%d %H:%M")});
    }
    return table.render();
  }

  static std::string render_json(const std::vector<LocalModel>& models) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const auto& model : models) {
      const auto info = info_of(model.path);
      nlohmann::ordered_json entry{
          {"name", model.name},       {"path", model.path.string()},
          {"quantization", nullptr},  {"parameters", nullptr},
          {"size_bytes", model.size}, {"last_used", format_time(model.last_used, "%Y-%m-%dT%H:%M:%S%z")}};
      if (info)
        entry["quantization"] = info->quantization;
      else if (!model.quantization.empty())
        entry["quantization"] = model.quantization;
      if (info) entry["parameters"] = info->parameters;
      list.push_back(std::move(entry));
    }
    return list.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  }

  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_model_list_command() { return std::make_unique<ModelListCommand>(); }

}  // namespace hyprstream
