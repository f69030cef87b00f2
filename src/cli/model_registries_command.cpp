// hyprstream model registries.
#include <nlohmann/json.hpp>
#include <string>

#include "cli/command_table.hpp"
#include "cli_options/model_source.hpp"
#include "terminal/terminal.hpp"

namespace hyprstream {
namespace {

class ModelRegistriesCommand final : public Command {
 public:
  CommandManual manual() const override {
    return {.description =
                "Shows where models come from and where they are kept, as the environment says it, and the short names "
                "of models. Asks nobody.",
            .examples = {{"hyprstream model registries", "A table."},
                         {"HF_ENDPOINT=https://hub.example.org hyprstream model registries", "Another hub."}}};
  }

  void declare(ArgumentList& arguments) override {
    arguments.begin_section("Options");
    arguments.flag("--json", json_, "Print one JSON object instead of a table");
  }

  Result<ExitCode> run(Console& console) override {
    HYPRSTREAM_ASSIGN(const auto settings, HubFlags{}.settings());
    HYPRSTREAM_ASSIGN(const auto aliases, load_aliases());
    HYPRSTREAM_TRY(console.write(json_ ? render_json(settings, aliases) : render_table(settings, aliases)));
    return ExitCode::kSuccess;
  }

 private:
  static std::string render_table(const HubSettings& settings, const ModelAliases& aliases) {
    Table about({Align::kLeft, Align::kLeft});
    about.add_row({"Registry", "hf"});
    about.add_row({"Address", settings.endpoint.text()});
    about.add_row({"Cache", settings.cache.string()});
    about.add_row({"Token", settings.token ? "from " + settings.token_source : "none"});
    about.add_row({"Offline", settings.offline ? "yes" : "no"});
    Table names({Align::kLeft, Align::kLeft});
    names.add_row({"NAME", "MODEL"});
    for (const auto& [name, reference] : aliases) names.add_row({name, "hf://" + reference.text()});
    return about.render() + "\n" + names.render();
  }

  static std::string render_json(const HubSettings& settings, const ModelAliases& aliases) {
    nlohmann::ordered_json names = nlohmann::ordered_json::object();
    for (const auto& [name, reference] : aliases) names[name] = "hf://" + reference.text();
    const nlohmann::ordered_json json{{"registries",
                                       {{{"name", "hf"},
                                         {"endpoint", settings.endpoint.text()},
                                         {"token_source", settings.token ? nlohmann::ordered_json(settings.token_source)
                                                                         : nlohmann::ordered_json()}}}},
                                      {"cache", settings.cache.string()},
                                      {"offline", settings.offline},
                                      {"aliases", names}};
    return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  }

  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_model_registries_command() { return std::make_unique<ModelRegistriesCommand>(); }

}  // namespace hyprstream
