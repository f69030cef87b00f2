// hyprstream lora eval.
#include <algorithm>
#include <cmath>
#include <format>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

#include "adapter_files/adapter_store.hpp"
#include "cli/adapter_report.hpp"
#include "cli/command_table.hpp"
#include "cli/example_evaluation.hpp"
#include "cli/training_report.hpp"
#include "cli_options/adapter_choice.hpp"
#include "cli_options/engine_flags.hpp"
#include "terminal/progress_line.hpp"
#include "terminal/terminal.hpp"
#include "training_data/example_encoding.hpp"

namespace hyprstream {
namespace {

constexpr int kParallel = 8;  // texts written at a time

struct Evaluation {
  ExampleLosses losses;
  std::size_t examples = 0;
  std::size_t questions = 0;  // that have a prompt and one completion
  std::size_t exact_base = 0;
  std::size_t exact_adapter = 0;
};

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

class LoraEvalCommand final : public Command {
 public:
  CommandManual manual() const override {
    return {
        .description =
            "Measures an adapter on examples that it was not trained on: the loss of what is to be said, with and "
            "without it; and for examples of prompt and completion how many are answered word for word, always taking "
            "the most likely token.",
        .examples = {{"hyprstream lora eval pirate --data pirate.heldout.jsonl", "The newest version of an adapter."},
                     {"hyprstream lora eval pirate@1 --data test.jsonl --no-exact --json",
                      "An older one, the loss alone, for programs."}}};
  }

  void declare(ArgumentList& arguments) override {
    arguments.positional("NAME", ValueKind::kText, name_, "An adapter, with a scale if wanted: NAME[@VERSION][:SCALE]");
    arguments.begin_section("Options");
    arguments.file("--data,-d", "FILE", data_, "Examples, JSONL as lora train takes them");
    arguments.file("--base,-b", "MODEL", base_, "The model", "the one that the adapter was made for");
    arguments.flag("--no-mask-prompt", no_mask_prompt_, "Prompts count in the loss too");
    arguments.integer("--max-seq-length", max_tokens_, {2, 1 << 20}, "Tokens that an example may have");
    arguments.flag("--truncate", truncate_, "Cut longer ones at the end instead of refusing them");
    arguments.flag("--no-exact", no_exact_, "Do not have the prompts answered");
    arguments.flag("--json", json_, "Print one JSON object instead of a table");
    engine_.declare(arguments);
  }

  Result<ExitCode> run(Console& console) override {
    if (!name_) return fail(ErrorCode::kInvalidArgument, "NAME is missing: 'hyprstream lora list' shows the adapters");
    if (!data_) return fail(ErrorCode::kInvalidArgument, "there is nothing to measure on: name examples with --data");
    HYPRSTREAM_ASSIGN(const auto file, read_examples(*data_));
    const auto store = AdapterStore::of_user();
    HYPRSTREAM_ASSIGN(const auto choice, parse_adapter_choice(*name_));
    HYPRSTREAM_ASSIGN(const auto version, store.find(choice.reference));
    HYPRSTREAM_ASSIGN(const auto manifest, store.manifest(version));
    HYPRSTREAM_ASSIGN(const auto path, base_path_for(manifest, base_, console));
    HYPRSTREAM_ASSIGN(const auto base, read_base_model(path));
    HYPRSTREAM_ASSIGN(const auto chosen, load_adapters({&choice, 1}, base, console));
    InterruptScope interrupt;
    HYPRSTREAM_ASSIGN(
        auto loaded,
        load_engine(engine_, path, interrupt,
                    {.max_sequences = kParallel, .max_outputs = 64, .kv_cache_layout = KvCacheLayout::kPerSequence}));
    HYPRSTREAM_ASSIGN(const auto evaluation, evaluate(*loaded.enable_adapters(base), file, adapter_list(chosen)));
    HYPRSTREAM_TRY(console.write(json_ ? as_json(evaluation, version) : as_table(evaluation, version)));
    return ExitCode::kSuccess;
  }

 private:
  Result<Evaluation> evaluate(LoraEngine& engine, const ExampleFile& file, const AdapterList& adapters) const {
    const int context = engine.options().context_length;
    const EncodingOptions encoding{.mask_prompt = !no_mask_prompt_,
                                   .max_tokens = static_cast<std::size_t>(std::min(max_tokens_, context)),
                                   .truncate = truncate_,
                                   .remedy = kTooLongRemedy};
    HYPRSTREAM_ASSIGN(const auto encoded, encode_examples(engine, file, encoding));
    Evaluation result;
    result.examples = file.examples.size();
    {
      ProgressLine progress("Measuring");
      HYPRSTREAM_ASSIGN(result.losses, measure_losses(engine, encoded.examples, {}, adapters, shown(progress)));
    }
    std::vector<ExampleText> questions;
    std::ranges::copy_if(file.examples, std::back_inserter(questions),
                         [](const ExampleText& example) { return example.kind == ExampleKind::kPromptCompletion; });
    if (no_exact_ || questions.empty()) return result;
    result.questions = questions.size();
    HYPRSTREAM_ASSIGN(result.exact_base, count_exact(engine, questions, {}, "Answering without it"));
    HYPRSTREAM_ASSIGN(result.exact_adapter, count_exact(engine, questions, adapters, "Answering with it"));
    return result;
  }

  // How many answers are the completion, but for white space around it.
  static Result<std::size_t> count_exact(LoraEngine& engine, std::span<const ExampleText> questions,
                                         const AdapterList& adapters, const char* what) {
    std::size_t longest = 0;
    for (const auto& question : questions) {
      HYPRSTREAM_ASSIGN(const auto tokens, engine.tokenize(question.messages[1].content, {.add_special = false}));
      longest = std::max(longest, tokens.size());
    }
    ProgressLine progress(what);
    // One token more shows whether the longest one ends where it should.
    HYPRSTREAM_ASSIGN(const auto answers,
                      answer_prompts(engine, questions, adapters, longest + 1, kParallel, shown(progress)));
    std::size_t exact = 0;
    for (std::size_t i = 0; i < answers.size(); ++i)
      exact += trimmed(answers[i]) == trimmed(questions[i].messages[1].content) ? 1 : 0;
    return exact;
  }

  static EvaluationProgress shown(ProgressLine& progress) {
    return [&progress](float share) {
      progress.update(share);
      return true;  // Ctrl-C stops the engine
    };
  }

  static std::string as_table(const Evaluation& evaluation, const StoredVersion& version) {
    Table table({Align::kLeft, Align::kRight, Align::kRight, Align::kRight});
    const auto exact = [&](std::size_t count) {
      return evaluation.questions == 0 ? std::string("-") : std::format("{} of {}", count, evaluation.questions);
    };
    table.add_row({"", "Loss", "Perplexity", "Exact answers"});
    table.add_row({"base model", std::format("{:.4f}", evaluation.losses.from),
                   std::format("{:.4g}", std::exp(evaluation.losses.from)), exact(evaluation.exact_base)});
    table.add_row({version.reference(), std::format("{:.4f}", evaluation.losses.to),
                   std::format("{:.4g}", std::exp(evaluation.losses.to)), exact(evaluation.exact_adapter)});
    return table.render() +
           std::format("{} tokens in {} examples\n", evaluation.losses.target_tokens, evaluation.examples);
  }

  static std::string as_json(const Evaluation& evaluation, const StoredVersion& version) {
    using Json = nlohmann::ordered_json;
    const auto side = [&](double loss, std::size_t exact) {
      return Json{
          {"loss", loss}, {"perplexity", std::exp(loss)}, {"exact", evaluation.questions == 0 ? Json() : Json(exact)}};
    };
    return json_line({{"adapter", version.reference()},
                      {"examples", evaluation.examples},
                      {"target_tokens", evaluation.losses.target_tokens},
                      {"questions", evaluation.questions},
                      {"base", side(evaluation.losses.from, evaluation.exact_base)},
                      {"with_adapter", side(evaluation.losses.to, evaluation.exact_adapter)}});
  }

  std::optional<std::string> name_;
  std::optional<std::string> data_;
  std::optional<std::string> base_;
  bool no_mask_prompt_ = false;
  int max_tokens_ = 512;
  bool truncate_ = false;
  bool no_exact_ = false;
  bool json_ = false;
  EngineFlags engine_;
};

}  // namespace

std::unique_ptr<Command> make_lora_eval_command() { return std::make_unique<LoraEvalCommand>(); }

}  // namespace hyprstream
