// hyprstream model info.
#include <format>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "cli/command_table.hpp"
#include "cli/remote_model_info.hpp"
#include "cli_options/model_reference.hpp"
#include "cli_options/model_source.hpp"
#include "gguf/model_info.hpp"
#include "hub/hub_client.hpp"
#include "terminal/interrupt.hpp"
#include "terminal/printable.hpp"
#include "terminal/terminal.hpp"

namespace hyprstream {
namespace {

std::string render_table(const ModelInfo& info) {
  Table table({Align::kLeft, Align::kLeft});
  const auto add = [&](std::string label, std::string_view value) {
    // What a file says about itself may be anything.
    table.add_row({std::move(label), value.empty() ? "-" : printable_line(value)});
  };
  const auto add_count = [&](std::string label, int value) {
    add(std::move(label), value == 0 ? "-" : std::to_string(value));
  };
  add("Name", info.name);
  add("File", display_path(info.path));
  add("Size", format_bytes(info.file_size));
  add("Architecture", info.architecture);
  add("Parameters", format_count(info.parameters));
  add("Quantization", info.quantization);
  add_count("Layers", info.layers);
  add_count("Hidden size", info.hidden_size);
  add_count("Feed-forward size", info.feed_forward_size);
  add_count("Attention heads", info.heads);
  add_count("KV heads", info.kv_heads);
  add_count("Head size", info.head_size);
  add("Context length", info.context_length == 0 ? "-" : std::format("{} tokens", info.context_length));
  add("Vocabulary", info.vocabulary_size == 0 ? "-" : std::format("{} tokens", info.vocabulary_size));
  add("Tokenizer", info.tokenizer);
  add("Chat template", info.chat_template ? "yes" : "no");
  add("Licence", info.license.value_or(""));
  return table.render();
}

// null for what the file does not say.
nlohmann::ordered_json known(int value) {
  return value == 0 ? nlohmann::ordered_json() : nlohmann::ordered_json(value);
}

std::string render_json(const ModelInfo& info) {
  nlohmann::ordered_json json{
      {"name", info.name},
      {"path", info.path},
      {"size_bytes", info.file_size},
      {"architecture", info.architecture},
      {"parameters", info.parameters},
      {"quantization", info.quantization},
      {"layers", known(info.layers)},
      {"hidden_size", known(info.hidden_size)},
      {"feed_forward_size", known(info.feed_forward_size)},
      {"heads", known(info.heads)},
      {"kv_heads", known(info.kv_heads)},
      {"head_size", known(info.head_size)},
      {"context_length", known(info.context_length)},
      {"vocabulary_size", known(info.vocabulary_size)},
      {"tokenizer", info.tokenizer},
      {"has_chat_template", info.chat_template.has_value()},
      {"license", nullptr},
  };
  if (info.license) json["license"] = *info.license;
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

class ModelInfoCommand final : public Command {
 public:
  CommandManual manual() const override {
    return {
        .description =
            "Shows what a GGUF file says about its model. Reads the file's header only, so it is quick "
            "for a model of any size. For a model that is not on this disk it asks the hub what the repository has.",
        .examples = {{"hyprstream model info", "The bundled model."},
                     {"hyprstream model info Qwen/Qwen3-4B-GGUF", "Which quantizations a repository has."},
                     {"hyprstream model info qwen3-0.6b-q8_0.gguf --json", "A file of yours, for programs."}}};
  }

  void declare(ArgumentList& arguments) override {
    arguments.positional("MODEL", ValueKind::kFile, model_,
                         "The bundled model if left out; else " + std::string(kModelForms));
    arguments.begin_section("Options");
    arguments.flag("--json", json_, "Print one JSON object instead of a table");
    arguments.flag("--remote", remote_, "Ask the hub even if the model is in the cache");
    hub_.declare(arguments);
  }

  Result<ExitCode> run(Console& console) override {
    if (model_ && model_->empty()) return fail(ErrorCode::kInvalidArgument, "MODEL is empty: name a GGUF file");
    std::error_code ignored;
    if (!model_ || *model_ == kBundledModel || std::filesystem::exists(*model_, ignored))
      return show_file(model_path_for(model_), console);
    HYPRSTREAM_ASSIGN(const auto settings, hub_.settings());
    HYPRSTREAM_ASSIGN(const auto reference, read_reference(*model_, settings));
    if (reference.kind == ModelReference::Kind::kPath) return show_file(*model_, console);
    if (!remote_)
      if (const auto found = find_pulled(settings, reference)) return show_file(found->path(), console);
    if (reference.kind == ModelReference::Kind::kUrl)
      return fail(
          ErrorCode::kNotFound,
          std::format("{} was not fetched yet, and an address alone says nothing about it: get it with hyprstream "
                      "model pull",
                      reference.url->text()));
    return show_repository(settings, reference.hub, console);
  }

 private:
  Result<ExitCode> show_file(const std::filesystem::path& path, Console& console) const {
    HYPRSTREAM_ASSIGN(const auto file, GgufFile::open(path).transform_error(with_model_remedy));
    HYPRSTREAM_ASSIGN(const auto info, read_model_info(file));
    HYPRSTREAM_TRY(console.write(json_ ? render_json(info) : render_table(info)));
    return ExitCode::kSuccess;
  }

  Result<ExitCode> show_repository(const HubSettings& settings, const HubReference& reference, Console& console) const {
    const InterruptScope interrupt;
    HYPRSTREAM_ASSIGN(auto client, HubClient::create(settings, [&] { return interrupt.was_interrupted(); }));
    HYPRSTREAM_ASSIGN(const auto files, client.list_files(reference.repository, reference.revision));
    HYPRSTREAM_ASSIGN(const auto chosen, reference.file
                                             ? choose_file(files, *reference.file, reference.repository)
                                             : choose_variant(files, reference.quantization, reference.repository));
    const bool there = find_in_cache(settings, reference).has_value();
    HYPRSTREAM_TRY(console.write(json_ ? render_repository_json(reference, files, chosen, there)
                                       : render_repository(reference, files, chosen, there)));
    return ExitCode::kSuccess;
  }

  std::optional<std::string> model_;
  bool json_ = false;
  bool remote_ = false;
  HubFlags hub_;
};

}  // namespace

std::unique_ptr<Command> make_model_info_command() { return std::make_unique<ModelInfoCommand>(); }

}  // namespace hyprstream
