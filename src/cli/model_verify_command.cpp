// hyprstream model verify.
#include <algorithm>
#include <format>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/command_table.hpp"
#include "cli_options/model_source.hpp"
#include "hub/cache_content.hpp"
#include "hub/url_pull.hpp"
#include "terminal/interrupt.hpp"
#include "terminal/printable.hpp"
#include "terminal/progress_line.hpp"

namespace hyprstream {
namespace {

struct Checked {
  std::string name;
  std::filesystem::path path;
  std::optional<std::string> problem;
};

class ModelVerifyCommand final : public Command {
 public:
  CommandManual manual() const override {
    return {.description =
                "Reads models in the cache again and compares them with their digests, and checks that GGUF files are "
                "whole. Ends with exit code 1 if one is damaged. Needs no network.",
            .examples = {{"hyprstream model verify", "Everything in the cache."},
                         {"hyprstream model verify qwen3-0.6b", "One model."}}};
  }

  void declare(ArgumentList& arguments) override {
    arguments.positional("MODEL", ValueKind::kText, model_,
                         "The model to check; if left out, all that is in the cache");
    arguments.begin_section("Options");
    arguments.flag("--json", json_, "Print a JSON array instead of lines");
  }

  Result<ExitCode> run(Console& console) override {
    HYPRSTREAM_ASSIGN(const auto settings, HubFlags{.offline = true}.settings());
    HYPRSTREAM_TRY(select(settings));
    if (files_.empty() && urls_.empty() && !json_) console.status("there is nothing in the cache to check");
    const InterruptScope interrupt;
    std::vector<Checked> checked;
    const auto done = [&](std::string name, const std::filesystem::path& path, const Result<void>& result) {
      checked.push_back({.name = std::move(name), .path = path, .problem = {}});
      if (!result) checked.back().problem = result.error().message;
      const auto& last = checked.back();
      return json_ ? Result<void>()
                   : console.write(last.problem ? std::format("damaged  {}: {}\n", printable_line(last.name),
                                                              printable_line(*last.problem))
                                                : std::format("ok       {}\n", printable_line(last.name)));
    };
    for (const auto& [repository, file] : files_) {
      if (interrupt.was_interrupted()) return ExitCode::kInterrupted;
      HYPRSTREAM_TRY(
          done(repository + "/" + file.name, file.path, watched(file.name, [&] { return verify_file(file); })));
    }
    for (const auto& model : urls_) {
      if (interrupt.was_interrupted()) return ExitCode::kInterrupted;
      HYPRSTREAM_TRY(done(model.url, model.path, watched(model.url, [&] { return verify_url_model(model); })));
    }
    if (json_) HYPRSTREAM_TRY(console.write(render_json(checked)));
    const auto damaged = std::ranges::count_if(checked, [](const Checked& c) { return c.problem.has_value(); });
    if (damaged == 0) return ExitCode::kSuccess;
    if (!json_)
      console.status(std::format("{} damaged: remove {} with hyprstream model remove, then pull again",
                                 damaged == 1 ? std::string("1 file is") : std::format("{} files are", damaged),
                                 damaged == 1 ? "it" : "them"));
    return ExitCode::kFailure;
  }

 private:
  template <typename Function>
  static Result<void> watched(const std::string& name, const Function& check) {
    ProgressLine progress("Checking " + name);
    progress.update(0);
    return check();
  }

  Result<void> select(const HubSettings& settings) {
    const HubCache cache(settings.cache);
    HYPRSTREAM_ASSIGN(const auto snapshots, read_cache(cache));
    if (!model_) {
      for (const auto& snapshot : snapshots)
        for (const auto& file : snapshot.files) files_.emplace_back(snapshot.repository, file);
      urls_ = list_url_models();
      return {};
    }
    HYPRSTREAM_ASSIGN(const auto reference, read_reference(*model_, settings));
    if (reference.kind == ModelReference::Kind::kUrl) {
      HYPRSTREAM_ASSIGN(auto model, find_url_model(*reference.url));
      urls_.push_back(std::move(model));
      return {};
    }
    if (reference.kind != ModelReference::Kind::kHub)
      return fail(ErrorCode::kInvalidArgument,
                  std::format("{} is not in the cache, so there is no digest to hold it against: hyprstream model list "
                              "shows what is",
                              in_quotes(*model_)));
    HYPRSTREAM_ASSIGN(const auto found, find_in_cache(settings, reference.hub));
    for (const auto& snapshot : snapshots)
      for (const auto& file : snapshot.files)
        if (std::ranges::contains(found.files, file.path)) files_.emplace_back(snapshot.repository, file);
    return {};
  }

  static std::string render_json(const std::vector<Checked>& checked) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const auto& file : checked)
      list.push_back({{"name", file.name},
                      {"path", file.path.string()},
                      {"ok", !file.problem},
                      {"problem", file.problem ? nlohmann::ordered_json(*file.problem) : nlohmann::ordered_json()}});
    return list.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  }

  std::optional<std::string> model_;
  bool json_ = false;
  std::vector<std::pair<std::string, CachedFile>> files_;  // with their repositories
  std::vector<UrlModel> urls_;
};

}  // namespace

std::unique_ptr<Command> make_model_verify_command() { return std::make_unique<ModelVerifyCommand>(); }

}  // namespace hyprstream
