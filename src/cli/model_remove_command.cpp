// hyprstream model remove.
#include <format>
#include <optional>
#include <string>

#include "cli/command_table.hpp"
#include "cli_options/model_source.hpp"
#include "hub/cache_content.hpp"
#include "hub/url_pull.hpp"
#include "terminal/confirm.hpp"
#include "terminal/interrupt.hpp"
#include "terminal/printable.hpp"
#include "terminal/terminal.hpp"

namespace hyprstream {
namespace {

class ModelRemoveCommand final : public Command {
 public:
  CommandManual manual() const override {
    return {
        .description =
            "Removes a model from the cache, after asking. A repository's name alone removes all of it; with a "
            "quantization, file or revision only that. Bytes that another snapshot still uses stay.",
        .examples = {{"hyprstream model remove qwen3-0.6b", "Asks first."},
                     {"hyprstream model remove Qwen/Qwen3-4B-GGUF:Q8_0 --yes", "One quantization, without asking."}}};
  }

  void declare(ArgumentList& arguments) override {
    arguments.positional("MODEL", ValueKind::kText, model_, "What to remove, as hyprstream model list names it");
    arguments.begin_section("Options");
    arguments.flag("--yes,-y", yes_, "Do not ask");
  }

  Result<ExitCode> run(Console& console) override {
    if (!model_ || model_->empty())
      return fail(ErrorCode::kInvalidArgument, "say what to remove: hyprstream model remove MODEL");
    HYPRSTREAM_ASSIGN(const auto settings, HubFlags{.offline = true}.settings());
    HYPRSTREAM_ASSIGN(const auto reference, read_reference(*model_, settings));
    if (reference.kind == ModelReference::Kind::kUrl) return remove_url(*reference.url, console);
    if (reference.kind != ModelReference::Kind::kHub)
      return fail(ErrorCode::kInvalidArgument,
                  std::format("{} is not in the cache, so it is not removed: hyprstream model list shows what is",
                              in_quotes(*model_)));
    const HubCache cache(settings.cache);
    HYPRSTREAM_ASSIGN(const auto removal, plan_removal(cache, reference.hub));
    HYPRSTREAM_ASSIGN(const bool agreed, ask(std::format("Remove {} {} of {}, {}?", removal.files.size(),
                                                         removal.files.size() == 1 ? "file" : "files",
                                                         removal.repository, format_bytes(removal.bytes))));
    if (!agreed) return ExitCode::kFailure;
    const InterruptScope interrupt;
    HYPRSTREAM_TRY(remove_from_cache(cache, removal, [&] { return !interrupt.was_interrupted(); }));
    console.status(
        std::format("Removed {}: {} are free", printable_line(reference.hub.text()), format_bytes(removal.bytes)));
    return ExitCode::kSuccess;
  }

 private:
  Result<ExitCode> remove_url(const HttpUrl& url, Console& console) {
    HYPRSTREAM_ASSIGN(const auto model, find_url_model(url));
    HYPRSTREAM_ASSIGN(
        const bool agreed,
        ask(std::format("Remove {}, {}?", printable_line(model.path.filename().string()), format_bytes(model.size))));
    if (!agreed) return ExitCode::kFailure;
    HYPRSTREAM_TRY(remove_url_model(model));
    console.status(std::format("Removed {}: {} are free", printable_line(model.url), format_bytes(model.size)));
    return ExitCode::kSuccess;
  }

  Result<bool> ask(const std::string& question) const { return yes_ ? Result<bool>(true) : confirm(question, "--yes"); }

  std::optional<std::string> model_;
  bool yes_ = false;
};

}  // namespace

std::unique_ptr<Command> make_model_remove_command() { return std::make_unique<ModelRemoveCommand>(); }

}  // namespace hyprstream
