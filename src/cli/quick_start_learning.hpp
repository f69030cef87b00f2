// `quick-start --learn`: the model learns something before one's eyes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "cli_options/engine_flags.hpp"
#include "terminal/console.hpp"
#include "terminal/exit_code.hpp"
#include "terminal/interrupt.hpp"

namespace hyprstream {

struct QuickStartLearning {
  std::string model_path;
  std::optional<std::string> examples;  // JSONL; the bundled ones if unset
  std::optional<std::string> prompt;    // what to ask before and after; some examples that were held out if unset
  std::optional<std::uint32_t> seed;    // 0 if unset
  std::size_t max_tokens = 50;          // of each answer
  bool json = false;
};

// Asks, trains an adapter, stores it, asks again and shows the answers side by side. Errors: those of reading the
// examples and of training.
Result<ExitCode> run_quick_start_learning(const QuickStartLearning& wanted, const EngineFlags& flags, Console& console,
                                          InterruptScope& interrupt);

}  // namespace hyprstream
