// hyprstream quick-start.
#include <format>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "cli/adapter_report.hpp"
#include "cli/command_table.hpp"
#include "cli/generation_output.hpp"
#include "cli/quick_start_adapter.hpp"
#include "cli/quick_start_learning.hpp"
#include "cli_options/engine_flags.hpp"
#include "cli_options/model_reference.hpp"
#include "cli_options/model_source.hpp"
#include "cli_options/sampling_flags.hpp"
#include "terminal/interrupt.hpp"
#include "terminal/printable.hpp"

namespace hyprstream {
namespace {

class QuickStartCommand final : public Command {
 public:
  QuickStartCommand() { sampling_.temperature = 0.7F; }

  CommandManual manual() const override {
    return {.description =
                "Continues a prompt with the bundled model, or with one of yours, and says how fast that "
                "was. Needs no network, unless it is told of a model that is not there yet.",
            .examples = {
                {"hyprstream quick-start", "The bundled model, 50 tokens."},
                {"hyprstream quick-start --prompt 'The future of AI is' --max-tokens 30",
                 "Another prompt and a shorter text."},
                {"hyprstream quick-start --model-path qwen3-0.6b-q8_0.gguf --temperature 0",
                 "A model of yours, always the most likely token."},
                {"hyprstream quick-start --model qwen3-0.6b", "A model from the hub, pulled the first time."},
                {"hyprstream quick-start --create-lora --lora-rank 16",
                 "With a new random adapter, and the measured effect of it."},
                {"hyprstream quick-start --learn", "Learns to talk like a pirate, in seconds: before and after."},
                {"hyprstream quick-start --learn mine.jsonl", "Learns from examples of yours."},
                {"hyprstream quick-start --seed 1 --json", "For programs: one JSON object, the same text each time."}}};
  }

  void declare(ArgumentList& arguments) override {
    arguments.file("--model-path,-m", "GGUF", model_path_, "The model's file", "the bundled one");
    arguments.text("--model", "MODEL", model_,
                   "The model by name, pulled if it is not there yet: " + std::string(kModelForms));
    arguments.text("--prompt,-p", "TEXT", prompt_, "The text to continue");
    max_tokens_.declare(arguments);
    arguments.number("--temperature", sampling_.temperature, {0, 100},
                     "Randomness: 0 always takes the most likely token");
    arguments.seed("--seed,-s", sampling_.seed, "Start of the random numbers");
    arguments.flag("--create-lora", create_lora_, "Make a 99% sparse LoRA adapter first, and generate with it");
    arguments.integer("--lora-rank", lora_rank_, {1, static_cast<int>(kMaxRank)}, "Rank of that adapter", "8");
    arguments.flag("--learn", learn_,
                   "Train an adapter first, on examples in FILE (JSONL, as lora train takes them), or else on a "
                   "pirate's answers, and show what the model says before and after");
    arguments.flag("--json", json_, "Print one JSON object instead of text");
    hub_.declare(arguments);
    engine_.declare(arguments);
    arguments.positional("FILE", ValueKind::kFile, examples_, "Examples for --learn");
  }

  Result<ExitCode> run(Console& console) override {
    if (prompt_.empty())
      return fail(ErrorCode::kInvalidArgument, "the prompt is empty: give the text to continue with --prompt");
    if (model_ && model_path_)
      return fail(ErrorCode::kInvalidArgument, "--model and --model-path both name the model: drop one of them");
    if (examples_ && !learn_)
      return fail(ErrorCode::kInvalidArgument,
                  std::format("{} is to be learned from only with --learn: add that", in_quotes(*examples_)));
    if (learn_ && create_lora_)
      return fail(ErrorCode::kInvalidArgument, "--learn makes an adapter of its own: drop --create-lora");
    InterruptScope interrupt;
    HYPRSTREAM_ASSIGN(const std::string path, model_path_ ? Result<std::string>(*model_path_)
                                                          : local_model_path(model_, hub_, console, interrupt));
    if (learn_) {
      const QuickStartLearning wanted{
          .model_path = path,
          .examples = examples_,
          .prompt = prompt_ == kPrompt ? std::nullopt : std::optional(prompt_),
          .seed = sampling_.seed,
          .max_tokens = static_cast<std::size_t>(max_tokens_.given.value_or(max_tokens_.fallback)),
          .json = json_};
      return run_quick_start_learning(wanted, engine_, console, interrupt);
    }
    if (!json_)
      HYPRSTREAM_TRY(console.write(std::format("🚀 Hyprstream Quick Start\n📁 Model: {}\n💭 Prompt: {}\n\n",
                                               printable_line(display_path(path)), printable_line(prompt_))));
    if (lora_rank_ && !create_lora_)
      return fail(ErrorCode::kInvalidArgument,
                  "--lora-rank says how large the adapter of --create-lora is: add that too");
    // The effect of an adapter is measured against the base model, side by side.
    const EngineNeeds needs = create_lora_ ? EngineNeeds{.max_sequences = 2, .max_outputs = 64} : EngineNeeds{};
    HYPRSTREAM_ASSIGN(auto loaded, load_engine(engine_, path, interrupt, needs));
    if (!json_)
      HYPRSTREAM_TRY(console.write(
          std::format("✅ Loaded model: {} in {:.2f}s\n", describe_model(*loaded.engine), loaded.load_seconds)));
    if (create_lora_) HYPRSTREAM_TRY(add_adapter(loaded, path, console));
    auto request = plain_request(prompt_);
    request.sampling = sampling_;
    HYPRSTREAM_ASSIGN(request.max_tokens, max_tokens_.settle(*loaded.engine));
    return json_ ? print_json(loaded, request, console) : print_text(loaded, request, console);
  }

 private:
  static Result<ExitCode> print_json(const LoadedEngine& loaded, const GenerationRequest& request, Console& console) {
    HYPRSTREAM_ASSIGN(const auto result, loaded.engine->generate(request, {}));
    std::optional<AdapterEffect> effect;
    if (!loaded.adapters.empty() && result.finish_reason != FinishReason::kCancelled) {
      HYPRSTREAM_ASSIGN(effect, measure_generation(loaded, request.prompt, result));
    }
    HYPRSTREAM_TRY(console.write(generation_json(loaded, request.prompt, result, effect)));
    return exit_code(result);
  }

  static Result<ExitCode> print_text(const LoadedEngine& loaded, const GenerationRequest& request, Console& console) {
    const std::string ids = adapter_ids(loaded);
    std::string heading = "\n🔮 Generating...\n";
    if (!loaded.adapters.empty())
      heading += std::format("🧠 Generating with {} LoRA adapter(s): {}\n", loaded.adapters.size(), ids);
    heading += "\n📝 Generated text:\n";
    // A label, for the reader: what the adapter does, it does to the model.
    for (const auto& [version, use] : loaded.adapters) heading += std::format("[{}] ", version.name);
    HYPRSTREAM_TRY(console.write(heading));
    HYPRSTREAM_TRY(console.write_model_text(request.prompt));
    PieceWriter writer(console);
    HYPRSTREAM_ASSIGN(const auto result, loaded.engine->generate(request, std::ref(writer)));
    HYPRSTREAM_TRY(writer.outcome());
    const auto& timings = result.timings;
    HYPRSTREAM_TRY(console.write(std::format("\n\n⏱️  Time: {:.2f}s\n🏃 Speed: {:.1f} tokens/s\n", timings.total_seconds,
                                             timings.generated_tokens_per_second())));
    if (!loaded.adapters.empty() && result.finish_reason != FinishReason::kCancelled) {
      HYPRSTREAM_ASSIGN(const auto effect, measure_generation(loaded, request.prompt, result));
      HYPRSTREAM_TRY(console.write(
          std::format("🔬 Adapter effect: {}\n📎 Used LoRA adapters: {}\n", describe_effect(effect), ids)));
    }
    if (console.is_verbose()) console.status(describe_generation(result));
    return exit_code(result);
  }

  Result<void> add_adapter(LoadedEngine& loaded, const std::string& path, Console& console) const {
    QuickStartAdapter wanted{.rank = 8, .seed = sampling_.seed};
    if (lora_rank_) wanted.rank = static_cast<std::size_t>(*lora_rank_);
    HYPRSTREAM_TRY(add_quick_start_adapter(wanted, path, loaded, console));
    if (json_) return {};
    const auto& adapter = *loaded.adapters.front().use.adapter;
    return console.write(std::format("📎 Added LoRA adapter: {}\n🔥 Applied {} sparsity to LoRA {}   ({})\n",
                                     adapter.name(), format_sparsity(adapter.sparsity()), adapter.id(),
                                     describe_weights(adapter)));
  }

  // ["a1b2c3d4-...", ...]
  static std::string adapter_ids(const LoadedEngine& loaded) {
    auto ids = nlohmann::json::array();
    for (const auto& chosen : loaded.adapters) ids.push_back(chosen.use.adapter->id());
    return ids.dump();
  }

  static ExitCode exit_code(const GenerationResult& result) {
    return result.finish_reason == FinishReason::kCancelled ? ExitCode::kInterrupted : ExitCode::kSuccess;
  }

  std::optional<std::string> model_path_;
  std::optional<std::string> model_;
  static constexpr std::string_view kPrompt = "Hello, I am";

  std::string prompt_{kPrompt};
  MaxTokensFlag max_tokens_{50};
  SamplingParams sampling_;
  EngineFlags engine_;
  HubFlags hub_;
  bool create_lora_ = false;
  std::optional<int> lora_rank_;
  bool learn_ = false;
  std::optional<std::string> examples_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_quick_start_command() { return std::make_unique<QuickStartCommand>(); }

}  // namespace hyprstream
