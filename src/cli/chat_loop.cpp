#include "cli/chat_loop.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <format>
#include <functional>
#include <ranges>
#include <string>
#include <string_view>
#include <utility>

#include "base/nearest_match.hpp"
#include "base/paths.hpp"
#include "base/utf8.hpp"
#include "cli/generation_output.hpp"
#include "terminal/interrupt.hpp"
#include "terminal/line_editor.hpp"
#include "terminal/printable.hpp"
#include "terminal/terminal.hpp"

namespace hyprstream {
namespace {

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\n";
  const auto begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

class ChatLoop {
 public:
  ChatLoop(RuntimeEngine& engine, ChatSession& session, const ChatLoopOptions& options, Console& console)
      : engine_(engine), session_(session), options_(options), console_(console) {
    options_.sampling->declare(settings_);
  }

  Result<ExitCode> run() {
    HYPRSTREAM_TRY(console_.write(
        std::format("{}\nType a message, /help for the commands, Ctrl-D to leave.\n\n", describe_model(engine_))));
    std::vector<std::string> words;
    for (const auto& slash : kCommands) words.emplace_back(slash.name);
    LineEditor editor(data_home() / "history", std::move(words));
    while (!leaving_) {
      const auto line = editor.read_line();
      if (!line) break;
      const auto message = trim(*line);
      if (message.empty()) continue;
      if (message.starts_with('/')) {
        HYPRSTREAM_TRY(obey(message));
      } else {
        HYPRSTREAM_TRY(answer(message));
      }
    }
    return ExitCode::kSuccess;
  }

 private:
  struct SlashCommand {
    std::string_view name;
    std::string_view argument;
    std::string_view help;
    Result<void> (ChatLoop::*run)(std::string_view argument);
  };
  static const std::array<SlashCommand, 6> kCommands;

  // A remark that is not the model's, dimmed where that is possible.
  Result<void> remark(std::string_view text) {
    const std::string line = printable_text(text);
    return console_.write(wants_color(STDOUT_FILENO) ? std::format("\033[2m{}\033[0m\n\n", line) : line + "\n\n");
  }

  Result<void> obey(std::string_view line) {
    const auto space = line.find_first_of(" \t\n");
    const auto name = line.substr(0, space);
    const auto argument = space == std::string_view::npos ? std::string_view() : trim(line.substr(space));
    const auto found = std::ranges::find(kCommands, name, &SlashCommand::name);
    if (found != kCommands.end()) return (this->*found->run)(argument);
    std::vector<std::string> names;
    for (const auto& slash : kCommands) names.emplace_back(slash.name);
    const auto nearest = nearest_match(name, names);
    return remark(nearest ? std::format("There is no {}: did you mean {}?", name, *nearest)
                          : std::format("There is no {}: /help lists the commands.", name));
  }

  Result<void> help(std::string_view /*argument*/) {
    Table table({Align::kLeft, Align::kLeft});
    for (const auto& slash : kCommands)
      table.add_row(
          {slash.argument.empty() ? std::string(slash.name) : std::format("{} {}", slash.name, slash.argument),
           std::string(slash.help)});
    table.add_row({"Ctrl-C", "Stop the answer"});
    table.add_row({"Ctrl-D", "Leave"});
    table.add_row({"\\ and Enter", "Go on with the message on a new line"});
    return console_.write(table.render() + "\n");
  }

  Result<void> clear(std::string_view /*argument*/) {
    session_.restart(session_.system());
    return remark("A new conversation.");
  }

  Result<void> bye(std::string_view /*argument*/) {
    leaving_ = true;
    return {};
  }

  Result<void> system(std::string_view argument) {
    if (const auto invalid = find_invalid_utf8(argument))
      return remark(std::format("The text is not valid UTF-8 at byte {}.", *invalid));
    session_.restart(std::string(argument));
    return remark(argument.empty() ? "A new conversation, without instructions."
                                   : "A new conversation, with these instructions.");
  }

  Result<void> set(std::string_view argument) {
    const auto space = argument.find_first_of(" \t");
    const auto* option = settings_.find("--" + std::string(argument.substr(0, space)));
    if (option == nullptr || space == std::string_view::npos) {
      Table table({Align::kLeft, Align::kLeft});
      for (const auto& setting : settings_.options())
        table.add_row({"/set " + setting.main_name().substr(2), setting.help});
      return console_.write(table.render() + "\n");
    }
    const auto assigned = option->assign(trim(argument.substr(space)));
    return remark(assigned
                      ? std::format("{} is {} from now on.", argument.substr(0, space), trim(argument.substr(space)))
                      : assigned.error().message.substr(2) + ".");
  }

  Result<void> info(std::string_view /*argument*/) {
    return remark(std::format("{}\n{} of {} tokens are in use.{}", describe_model(engine_), session_.tokens_held(),
                              engine_.options().context_length,
                              session_.system().empty() ? "" : "\nInstructions: " + session_.system()));
  }

  Result<void> answer(std::string_view message) {
    GenerationRequest request;
    request.max_tokens = options_.max_tokens;
    request.sampling = options_.sampling->params;
    request.stop = options_.sampling->stop;
    PieceWriter writer(console_);
    Result<GenerationResult> result;
    {
      // Only here: while a line is typed, Ctrl-C is the editor's.
      InterruptScope interrupt;
      const InterruptWatch watch = interrupt.watch(engine_);
      if (options_.raw) {
        request.prompt = message;
        result = engine_.generate(request, std::ref(writer));
      } else {
        result = session_.ask(std::string(message), request, std::ref(writer));
      }
    }
    engine_.clear_interrupt();
    HYPRSTREAM_TRY(writer.outcome());
    if (!result) {
      const bool full = result.error().code == ErrorCode::kResourceExhausted;
      return remark(result.error().message +
                    (full ? ". The message was not sent: /clear begins a new conversation." : "."));
    }
    HYPRSTREAM_TRY(console_.write(result->text.ends_with('\n') ? "\n" : "\n\n"));
    if (console_.is_verbose()) console_.status(describe_generation(*result) + "\n");
    switch (result->finish_reason) {
      case FinishReason::kCancelled: return remark("Stopped.");
      case FinishReason::kMaxTokens:
        return remark(std::format("The answer was cut at {} tokens: --max-tokens sets that.", options_.max_tokens));
      case FinishReason::kContextFull:
        return remark(
            std::format("The answer was cut: the context of {} tokens is full. /clear begins a new conversation.",
                        engine_.options().context_length));
      case FinishReason::kEndOfGeneration:
      case FinishReason::kStopString: break;
    }
    return {};
  }

  RuntimeEngine& engine_;
  ChatSession& session_;
  ChatLoopOptions options_;
  Console& console_;
  ArgumentList settings_;
  bool leaving_ = false;
};

constinit const std::array<ChatLoop::SlashCommand, 6> ChatLoop::kCommands{{
    {"/help", "", "List these", &ChatLoop::help},
    {"/clear", "", "Begin a new conversation", &ChatLoop::clear},
    {"/system", "TEXT", "Begin a new conversation with these instructions", &ChatLoop::system},
    {"/set", "NAME VALUE", "Change how answers are chosen; /set alone lists the names", &ChatLoop::set},
    {"/info", "", "The model, and how full the context is", &ChatLoop::info},
    {"/bye", "", "Leave", &ChatLoop::bye},
}};

}  // namespace

Result<ExitCode> run_chat_loop(RuntimeEngine& engine, ChatSession& session, const ChatLoopOptions& options,
                               Console& console) {
  return ChatLoop(engine, session, options, console).run();
}

}  // namespace hyprstream
