// hyprstream model search.
#include <format>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "cli/command_table.hpp"
#include "cli_options/model_source.hpp"
#include "hub/hub_client.hpp"
#include "terminal/interrupt.hpp"
#include "terminal/printable.hpp"
#include "terminal/terminal.hpp"

namespace hyprstream {
namespace {

std::string access_of(const FoundRepository& repository) {
  if (repository.is_private) return "private";
  return repository.is_gated ? "gated" : "public";
}

class ModelSearchCommand final : public Command {
 public:
  CommandManual manual() const override {
    return {.description = "Searches the hub for repositories with GGUF files, the most downloaded first.",
            .examples = {{"hyprstream model search qwen3", "Names that have it in them."},
                         {"hyprstream model search 'llama 3.2' --limit 5 --json", "For programs."}}};
  }

  void declare(ArgumentList& arguments) override {
    arguments.positional("QUERY", ValueKind::kText, query_, "Words to look for");
    arguments.begin_section("Options");
    arguments.integer("--limit", limit_, {1, 100}, "Repositories at most");
    arguments.flag("--json", json_, "Print a JSON array instead of a table");
    hub_.declare(arguments);
  }

  Result<ExitCode> run(Console& console) override {
    if (!query_ || query_->empty())
      return fail(ErrorCode::kInvalidArgument, "say what to look for: hyprstream model search QUERY");
    HYPRSTREAM_ASSIGN(const auto settings, hub_.settings());
    const InterruptScope interrupt;
    HYPRSTREAM_ASSIGN(auto client, HubClient::create(settings, [&] { return interrupt.was_interrupted(); }));
    HYPRSTREAM_ASSIGN(const auto found, client.search(*query_, limit_));
    if (found.empty() && !json_) {
      console.status(
          std::format("{} has no repository with GGUF files for {}", settings.endpoint.host(), in_quotes(*query_)));
      return ExitCode::kSuccess;
    }
    HYPRSTREAM_TRY(console.write(json_ ? render_json(found) : render_table(found)));
    return ExitCode::kSuccess;
  }

 private:
  static std::string render_table(const std::vector<FoundRepository>& found) {
    Table table({Align::kLeft, Align::kRight, Align::kRight, Align::kLeft});
    table.add_row({"REPOSITORY", "DOWNLOADS", "LIKES", "ACCESS"});
    for (const auto& repository : found)
      table.add_row(
          {repository.name, format_count(repository.downloads), format_count(repository.likes), access_of(repository)});
    return table.render();
  }

  static std::string render_json(const std::vector<FoundRepository>& found) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const auto& repository : found)
      list.push_back(
          {{"repository", repository.name},
           {"downloads", repository.downloads},
           {"likes", repository.likes},
           {"access", access_of(repository)},
           {"last_modified", repository.last_modified.empty() ? nlohmann::ordered_json()
                                                              : nlohmann::ordered_json(repository.last_modified)}});
    return list.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  }

  std::optional<std::string> query_;
  int limit_ = 20;
  bool json_ = false;
  HubFlags hub_;
};

}  // namespace

std::unique_ptr<Command> make_model_search_command() { return std::make_unique<ModelSearchCommand>(); }

}  // namespace hyprstream
