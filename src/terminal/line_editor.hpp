// Reading lines from a terminal with editing and history. The only place that sees isocline.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hyprstream {

// A text that Tab offers, in place of so many bytes before the cursor.
struct LineCompletion {
  std::string text;
  std::size_t replaces = 0;
};

// Called with the line up to the cursor.
using LineCompleter = std::function<std::vector<LineCompletion>(std::string_view)>;

// isocline keeps its state per process: one at a time. Not thread-safe.
class LineEditor {
 public:
  // Lines are remembered in `history`; without its directory they are only remembered in this
  // run. `completions`: what Tab offers at the beginning of a line.
  LineEditor(const std::filesystem::path& history, std::vector<std::string> completions);
  // The same with a function that says what Tab offers.
  LineEditor(const std::filesystem::path& history, LineCompleter completer);
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  // A line, which has several if each but the last was ended with a backslash. Empty: Ctrl-C, or
  // nothing typed. Nothing: Ctrl-D, or the terminal is gone.
  // `prompt` stands in front of the mark ">>> ".
  std::optional<std::string> read_line(const std::string& prompt = {});

 private:
  LineCompleter completer_;
};

}  // namespace hyprstream
