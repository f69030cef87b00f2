// hyprstream lora compare.
#include <format>
#include <optional>
#include <string>

#include "adapter_engine/adapter_effect.hpp"
#include "adapter_files/adapter_store.hpp"
#include "base/mapped_file.hpp"
#include "base/paths.hpp"
#include "base/utf8.hpp"
#include "cli/adapter_report.hpp"
#include "cli/command_table.hpp"
#include "cli_options/adapter_choice.hpp"
#include "cli_options/engine_flags.hpp"
#include "terminal/progress_line.hpp"
#include "terminal/terminal.hpp"

namespace hyprstream {
namespace {

constexpr std::size_t kMaxTokens = 16384;

class LoraCompareCommand final : public Command {
 public:
  CommandManual manual() const override {
    return {
        .description =
            "Measures what an adapter does to the model's predictions on a text: perplexity with and without it, the "
            "divergence of the predictions, and at how many positions the most likely token is another.",
        .examples = {
            {"hyprstream lora compare first", "Against the base model, on the text that comes with hyprstream."},
            {"hyprstream lora compare second --against first --text mine.txt", "Against another adapter."}}};
  }

  void declare(ArgumentList& arguments) override {
    arguments.positional("NAME", ValueKind::kText, name_, "An adapter, with a scale if wanted: NAME[@VERSION][:SCALE]");
    arguments.begin_section("Options");
    arguments.text("--against", "NAME", against_, "What to compare with: another adapter", "the base model");
    arguments.file("--text", "FILE", text_, "The text, UTF-8; of a longer one the first 16384 tokens are read",
                   "one that comes with hyprstream");
    arguments.file("--base,-b", "MODEL", base_, "The model", "the one that the adapter was made for");
    arguments.flag("--json", json_, "Print one JSON object instead of a table");
    engine_.declare(arguments);
  }

  Result<ExitCode> run(Console& console) override {
    if (!name_) return fail(ErrorCode::kInvalidArgument, "NAME is missing: 'hyprstream lora list' shows the adapters");
    HYPRSTREAM_ASSIGN(const auto text, read_text());
    const auto store = AdapterStore::of_user();
    HYPRSTREAM_ASSIGN(const auto choice, parse_adapter_choice(*name_));
    HYPRSTREAM_ASSIGN(const auto version, store.find(choice.reference));
    HYPRSTREAM_ASSIGN(const auto manifest, store.manifest(version));
    HYPRSTREAM_ASSIGN(const auto path, base_path_for(manifest, base_, console));
    HYPRSTREAM_ASSIGN(const auto base, read_base_model(path));
    HYPRSTREAM_ASSIGN(const auto to, load_adapters({&choice, 1}, base, console));
    std::vector<ChosenAdapter> from;
    if (against_) {
      HYPRSTREAM_ASSIGN(const auto other, parse_adapter_choice(*against_));
      HYPRSTREAM_ASSIGN(from, load_adapters({&other, 1}, base, console));
    }
    InterruptScope interrupt;
    HYPRSTREAM_ASSIGN(auto loaded, load_engine(engine_, path, interrupt, {.max_sequences = 2, .max_outputs = 64}));
    auto* engine = loaded.enable_adapters(base);
    HYPRSTREAM_ASSIGN(auto tokens, engine->tokenize(text, {.add_special = true, .parse_special = false}));
    if (tokens.size() > kMaxTokens) tokens.resize(kMaxTokens);
    ProgressLine progress("Comparing");
    HYPRSTREAM_ASSIGN(const auto effect, measure_effect(*engine, tokens, adapter_list(from), adapter_list(to),
                                                        [&](float share) { progress.update(share); }));
    const std::string from_name = from.empty() ? "base" : from[0].version.reference();
    HYPRSTREAM_TRY(console.write(json_ ? as_json(effect, from_name, version) : as_table(effect, from_name, version)));
    return ExitCode::kSuccess;
  }

 private:
  Result<std::string> read_text() const {
    const std::filesystem::path path = text_ ? std::filesystem::path(*text_) : comparison_text_path();
    HYPRSTREAM_ASSIGN(auto text, read_whole_file(path));
    if (text.empty())
      return fail(ErrorCode::kInvalidArgument, path.string() + " is empty: give some text to compare on");
    if (const auto invalid = find_invalid_utf8(text))
      return fail(ErrorCode::kInvalidArgument,
                  std::format("{} is not valid UTF-8 at byte {}", path.string(), *invalid));
    return text;
  }

  static std::string as_json(const AdapterEffect& effect, const std::string& from, const StoredVersion& to) {
    auto json = effect_json(effect);
    json["from"] = {{"name", from}, {"loss", effect.loss_from}, {"perplexity", effect.perplexity_from()}};
    json["to"] = {{"name", to.reference()}, {"loss", effect.loss_to}, {"perplexity", effect.perplexity_to()}};
    return json_line(json);
  }

  static std::string as_table(const AdapterEffect& effect, const std::string& from, const StoredVersion& to) {
    Table table({Align::kLeft, Align::kLeft});
    table.add_row({"Text", std::format("{} tokens", effect.positions)});
    table.add_row({"Perplexity", std::format("{:.4g} with {}, {:.4g} with {}", effect.perplexity_from(), from,
                                             effect.perplexity_to(), to.reference())});
    table.add_row({"KL divergence", std::format("{:.3g} nats per token", effect.kl_divergence)});
    table.add_row({"Mean |Δlogit|", std::format("{:.3g}", effect.mean_logit_change)});
    table.add_row(
        {"Top token",
         std::format("another at {} of {} positions ({:.1f}%)", effect.top_changed, effect.positions,
                     100.0 * static_cast<double>(effect.top_changed) / static_cast<double>(effect.positions))});
    return table.render();
  }

  std::optional<std::string> name_;
  std::optional<std::string> against_;
  std::optional<std::string> text_;
  std::optional<std::string> base_;
  bool json_ = false;
  EngineFlags engine_;
};

}  // namespace

std::unique_ptr<Command> make_lora_compare_command() { return std::make_unique<LoraCompareCommand>(); }

}  // namespace hyprstream
