// hyprstream run.
#include <unistd.h>

#include <format>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "base/utf8.hpp"
#include "cli/chat_loop.hpp"
#include "cli/chat_session.hpp"
#include "cli/command_table.hpp"
#include "cli/generation_output.hpp"
#include "cli_options/adapter_choice.hpp"
#include "cli_options/engine_flags.hpp"
#include "cli_options/model_reference.hpp"
#include "cli_options/model_source.hpp"
#include "cli_options/sampling_flags.hpp"
#include "terminal/input_text.hpp"
#include "terminal/interrupt.hpp"
#include "terminal/printable.hpp"
#include "terminal/terminal.hpp"

namespace hyprstream {
namespace {

constexpr std::size_t kLongestInput = std::size_t{16} << 20;  // bytes; far past any context

// All of standard input, without the line breaks at its end.
Result<std::string> read_prompt(const InterruptScope& interrupt) {
  HYPRSTREAM_ASSIGN(auto text, read_input(STDIN_FILENO, "the prompt on standard input", kLongestInput, interrupt));
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  return text;
}

class RunCommand final : public Command {
 public:
  CommandManual manual() const override {
    return {
        .description =
            "Answers one prompt and ends, or, on a terminal and without a prompt, chats with you.\n"
            "\n"
            "A single argument is the MODEL if it is a file, a path, a model's name or 'bundled', and the PROMPT for "
            "the "
            "bundled model if it has a space in it. A model that is not there yet is pulled first. Without a PROMPT, "
            "what is piped in is the prompt.",
        .examples = {{"hyprstream run", "Chat with the bundled model."},
                     {"hyprstream run bundled \"Tell me a story\"", "One answer."},
                     {"hyprstream run qwen3-0.6b-q8_0.gguf --system \"Answer in one sentence.\"",
                      "Chat with a model of yours, with instructions."},
                     {"hyprstream run qwen3-0.6b", "Chat with a model from the hub, which is pulled the first time."},
                     {"echo \"What is a llama?\" | hyprstream run", "The prompt from a pipe."},
                     {"hyprstream run bundled \"Once upon a time\" --raw", "Continue a text instead of answering it."},
                     {"hyprstream run bundled+pirate:0.5+haiku \"Tell me a story\"",
                      "With two adapters, the first at half its strength."}}};
  }

  void declare(ArgumentList& arguments) override {
    arguments.positional("MODEL", ValueKind::kFile, model_,
                         "The bundled model if left out; else " + std::string(kModelForms) +
                             "; with adapters: MODEL+ADAPTER[:SCALE]...");
    arguments.positional("PROMPT", ValueKind::kText, prompt_,
                         "The prompt; if left out, standard input, or a chat on a terminal");
    arguments.begin_section("Options");
    arguments.text("--system", "TEXT", system_, "Instructions for the model, before the conversation", "none");
    arguments.flag("--raw", raw_, "Continue the prompt as it is, without the model's chat template");
    max_tokens_.declare(arguments);
    arguments.flag("--json", json_, "Print one JSON object instead of the answer alone");
    hub_.declare(arguments);
    sampling_.declare(arguments);
    engine_.declare(arguments);
  }

  Result<ExitCode> run(Console& console) override {
    HYPRSTREAM_TRY(tell_model_from_prompt());
    if (raw_ && system_)
      return fail(ErrorCode::kInvalidArgument,
                  "--system needs the chat template, which --raw leaves out: drop one of them");
    InterruptScope interrupt;
    const bool interactive = !prompt_ && is_terminal(STDIN_FILENO);
    if (interactive && (json_ || !is_terminal(STDOUT_FILENO)))
      return fail(ErrorCode::kInvalidArgument,
                  "a chat needs a terminal to write to: give a PROMPT, or pipe one in, for a single answer");
    if (!prompt_ && !interactive) {
      HYPRSTREAM_ASSIGN(prompt_, read_prompt(interrupt));
    }
    if (prompt_ && prompt_->empty())
      return fail(ErrorCode::kInvalidArgument,
                  "the prompt is empty: give it some text, as PROMPT or on standard input");
    HYPRSTREAM_ASSIGN(const auto loaded, load_with_adapters(interrupt, console));
    HYPRSTREAM_ASSIGN(const int max_tokens, max_tokens_.settle(*loaded.engine));
    if (!interactive) return answer_once(loaded, max_tokens, console);
    HYPRSTREAM_ASSIGN(auto session, ChatSession::create(*loaded.engine));
    session.restart(system_.value_or(""));
    return run_chat_loop(*loaded.engine, session, {.sampling = &sampling_, .max_tokens = max_tokens, .raw = raw_},
                         console);
  }

 private:
  Result<LoadedEngine> load_with_adapters(InterruptScope& interrupt, Console& console) const {
    HYPRSTREAM_ASSIGN(const auto chosen, split_model_and_adapters(model_.value_or(std::string(kBundledModel))));
    const auto model = chosen.model.empty() ? std::nullopt : std::optional(chosen.model);
    HYPRSTREAM_ASSIGN(const auto path, local_model_path(model, hub_, console, interrupt));
    std::vector<ChosenAdapter> adapters;
    BaseModel base;
    if (!chosen.adapters.empty()) {
      // Before the model is loaded: a mistake should show at once.
      HYPRSTREAM_ASSIGN(base, read_base_model(path).transform_error(with_model_remedy));
      HYPRSTREAM_ASSIGN(adapters, load_adapters(chosen.adapters, base, console));
    }
    HYPRSTREAM_ASSIGN(auto loaded, load_engine(engine_, path, interrupt));
    if (!adapters.empty()) {
      HYPRSTREAM_TRY(loaded.enable_adapters(std::move(base))->set_default_adapters(adapter_list(adapters)));
      loaded.adapters = std::move(adapters);
    }
    return loaded;
  }

  // `run PROMPT` is allowed where it cannot be mistaken for `run MODEL`.
  Result<void> tell_model_from_prompt() {
    if (!model_ || prompt_ || names_a_model(*model_)) return {};
    if (model_->empty() || model_->contains(' ') || model_->contains('\n')) {
      if (const auto invalid = find_invalid_utf8(*model_))
        return fail(ErrorCode::kInvalidArgument, std::format("PROMPT is not valid UTF-8 at byte {}", *invalid));
      prompt_ = std::exchange(model_, std::nullopt);
      return {};
    }
    return fail(
        ErrorCode::kInvalidArgument,
        std::format("'{}' is no file: give the path of a GGUF file, or, if it is the prompt, put the model before "
                    "it: hyprstream run bundled '{}'",
                    printable_line(*model_), printable_line(*model_)));
  }

  Result<ExitCode> answer_once(const LoadedEngine& loaded, int max_tokens, Console& console) {
    auto& engine = *loaded.engine;
    auto request = plain_request(*prompt_);
    request.max_tokens = max_tokens;
    request.sampling = sampling_.params;
    request.stop = sampling_.stop;
    PieceWriter writer(console);
    HYPRSTREAM_ASSIGN(const auto result, generate(engine, request, json_ ? TokenCallback() : std::ref(writer)));
    HYPRSTREAM_TRY(writer.outcome());
    if (json_) {
      HYPRSTREAM_TRY(console.write(generation_json(loaded, *prompt_, result)));
    } else if (!result.text.ends_with('\n')) {
      HYPRSTREAM_TRY(console.write("\n"));
    }
    if (console.is_verbose()) console.status(describe_generation(result));
    return result.finish_reason == FinishReason::kCancelled ? ExitCode::kInterrupted : ExitCode::kSuccess;
  }

  Result<GenerationResult> generate(RuntimeEngine& engine, const GenerationRequest& request,
                                    const TokenCallback& show) {
    if (raw_) return engine.generate(request, show);
    HYPRSTREAM_ASSIGN(auto session, ChatSession::create(engine));
    session.restart(system_.value_or(""));
    auto result = session.ask(*prompt_, request, show);
    // A model without a chat template: the engine does not know what our way out is called.
    if (!result && result.error().code == ErrorCode::kUnsupported) result.error().message += " (--raw)";
    return result;
  }

  std::optional<std::string> model_;
  std::optional<std::string> prompt_;
  std::optional<std::string> system_;
  bool raw_ = false;
  bool json_ = false;
  MaxTokensFlag max_tokens_{512};
  SamplingFlags sampling_;
  EngineFlags engine_;
  HubFlags hub_;
};

}  // namespace

std::unique_ptr<Command> make_run_command() { return std::make_unique<RunCommand>(); }

}  // namespace hyprstream
