// hyprstream quick-start.
#include <format>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "cli/command.hpp"
#include "cli/engine_flags.hpp"
#include "cli/generation_output.hpp"
#include "cli/interrupt.hpp"
#include "cli/model_reference.hpp"
#include "cli/printable.hpp"
#include "cli/sampling_flags.hpp"

namespace hyprstream {
namespace {

class QuickStartCommand final : public Command {
 public:
  QuickStartCommand() { sampling_.temperature = 0.7F; }

  CommandManual manual() const override {
    return {.description =
                "Continues a prompt with the bundled model, or with one of yours, and says how fast that "
                "was. Needs no network.",
            .examples = {
                {"hyprstream quick-start", "The bundled model, 50 tokens."},
                {"hyprstream quick-start --prompt 'The future of AI is' --max-tokens 30",
                 "Another prompt and a shorter text."},
                {"hyprstream quick-start --model-path qwen3-0.6b-q8_0.gguf --temperature 0",
                 "A model of yours, always the most likely token."},
                {"hyprstream quick-start --seed 1 --json", "For programs: one JSON object, the same text each time."}}};
  }

  void declare(ArgumentList& arguments) override {
    arguments.file("--model-path,-m", "GGUF", model_, "The model", "the bundled one");
    arguments.text("--prompt,-p", "TEXT", prompt_, "The text to continue");
    max_tokens_.declare(arguments);
    arguments.number("--temperature", sampling_.temperature, {0, 100},
                     "Randomness: 0 always takes the most likely token");
    arguments.seed("--seed,-s", sampling_.seed, "Start of the random numbers");
    arguments.flag("--json", json_, "Print one JSON object instead of text");
    engine_.declare(arguments);
  }

  Result<ExitCode> run(Console& console) override {
    if (prompt_.empty())
      return fail(ErrorCode::kInvalidArgument, "the prompt is empty: give the text to continue with --prompt");
    InterruptScope interrupt;
    const std::string path = model_path_for(model_);
    if (!json_)
      HYPRSTREAM_TRY(console.write(std::format("🚀 Hyprstream Quick Start\n📁 Model: {}\n💭 Prompt: {}\n\n",
                                               printable_line(display_path(path)), printable_line(prompt_))));
    HYPRSTREAM_ASSIGN(const auto loaded, load_engine(engine_, path, interrupt));
    auto request = plain_request(prompt_);
    request.sampling = sampling_;
    HYPRSTREAM_ASSIGN(request.max_tokens, max_tokens_.settle(*loaded.engine));
    return json_ ? print_json(loaded, request, console) : print_text(loaded, request, console);
  }

 private:
  static Result<ExitCode> print_json(const LoadedEngine& loaded, const GenerationRequest& request, Console& console) {
    HYPRSTREAM_ASSIGN(const auto result, loaded.engine->generate(request, {}));
    HYPRSTREAM_TRY(console.write(generation_json(loaded, request.prompt, result)));
    return exit_code(result);
  }

  static Result<ExitCode> print_text(const LoadedEngine& loaded, const GenerationRequest& request, Console& console) {
    HYPRSTREAM_TRY(
        console.write(std::format("✅ Loaded model: {} in {:.2f}s\n\n🔮 Generating...\n\n📝 Generated text:\n",
                                  describe_model(*loaded.engine), loaded.load_seconds)));
    HYPRSTREAM_TRY(console.write_model_text(request.prompt));
    PieceWriter writer(console);
    HYPRSTREAM_ASSIGN(const auto result, loaded.engine->generate(request, std::ref(writer)));
    HYPRSTREAM_TRY(writer.outcome());
    const auto& timings = result.timings;
    HYPRSTREAM_TRY(console.write(std::format("\n\n⏱️  Time: {:.2f}s\n🏃 Speed: {:.1f} tokens/s\n", timings.total_seconds,
                                             timings.generated_tokens_per_second())));
    if (console.is_verbose()) console.status(describe_generation(result));
    return exit_code(result);
  }

  static ExitCode exit_code(const GenerationResult& result) {
    return result.finish_reason == FinishReason::kCancelled ? ExitCode::kInterrupted : ExitCode::kSuccess;
  }

  std::optional<std::string> model_;
  std::string prompt_ = "Hello, I am";
  MaxTokensFlag max_tokens_{50};
  SamplingParams sampling_;
  EngineFlags engine_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_quick_start_command() { return std::make_unique<QuickStartCommand>(); }

}  // namespace hyprstream
