// Reading lines from a terminal with editing and history. The only place that sees isocline.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace hyprstream {

// isocline keeps its state per process: one at a time. Not thread-safe.
class LineEditor {
 public:
  // Lines are remembered in `history`; without its directory they are only remembered in this
  // run. `completions`: what Tab offers at the beginning of a line.
  LineEditor(const std::filesystem::path& history, std::vector<std::string> completions);
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  // A line, which has several if each but the last was ended with a backslash. Empty: Ctrl-C, or
  // nothing typed. Nothing: Ctrl-D, or the terminal is gone.
  std::optional<std::string> read_line();

 private:
  std::vector<std::string> completions_;
};

}  // namespace hyprstream
