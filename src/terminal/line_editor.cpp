#include "terminal/line_editor.hpp"

#include <isocline.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <system_error>
#include <utility>

#include "base/log.hpp"
#include "terminal/terminal.hpp"

namespace hyprstream {
namespace {

constexpr long kHistoryLines = 1000;

void complete(ic_completion_env_t* environment, const char* prefix) {
  const auto& completer = *static_cast<const LineCompleter*>(ic_completion_arg(environment));
  for (const auto& [text, replaces] : completer(prefix))
    ic_add_completion_prim(environment, text.c_str(), nullptr, nullptr, static_cast<long>(replaces), 0);
}

LineCompleter at_the_beginning(std::vector<std::string> words) {
  return [words = std::move(words)](std::string_view line) {
    std::vector<LineCompletion> found;
    for (const auto& word : words)
      if (word.starts_with(line)) found.push_back({word, line.size()});
    return found;
  };
}

// isocline restores the terminal and passes a signal on to the handler that was there before; if
// that is the default one it swallows the signal, and reads a closed terminal for ever.
void end_process(int signal) { ::_exit(128 + signal); }

}  // namespace

LineEditor::LineEditor(const std::filesystem::path& history, std::vector<std::string> completions)
    : LineEditor(history, at_the_beginning(std::move(completions))) {}

LineEditor::LineEditor(const std::filesystem::path& history, LineCompleter completer)
    : completer_(std::move(completer)) {
  std::error_code error;
  std::filesystem::create_directories(history.parent_path(), error);
  if (error) {
    log_line(LogLevel::kInfo, "the history is not kept: cannot make " + history.parent_path().string());
    ic_set_history(nullptr, kHistoryLines);
  } else {
    ic_set_history(history.c_str(), kHistoryLines);
  }
  for (const int signal : {SIGHUP, SIGTERM, SIGQUIT}) std::signal(signal, end_process);
  ic_set_prompt_marker(">>> ", "... ");
  ic_enable_multiline(true);
  ic_enable_color(wants_color(1));
  // Made for commands of a language; in prose they only get in the way.
  ic_enable_brace_matching(false);
  ic_enable_brace_insertion(false);
  ic_enable_beep(false);
  ic_set_default_completer(complete, &completer_);
}

LineEditor::~LineEditor() { ic_set_default_completer(nullptr, nullptr); }

std::optional<std::string> LineEditor::read_line(const std::string& prompt) {
  const std::unique_ptr<char, decltype(&ic_free)> line(ic_readline(prompt.c_str()), ic_free);
  if (line == nullptr) return std::nullopt;
  std::string text(line.get());
  // A line break typed in the editor is one character to the model.
  std::erase(text, '\r');
  return text;
}

}  // namespace hyprstream
