// Generated text on its way to the user: streamed, or as JSON.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "adapter_engine/adapter_effect.hpp"
#include "base/error.hpp"
#include "cli_options/engine_flags.hpp"
#include "runtime/engine.hpp"
#include "terminal/console.hpp"

namespace hyprstream {

// A TokenCallback (through std::ref) that writes each piece to standard output as it comes, and
// stops the generation when that fails. Not thread-safe; must not outlive the console.
class PieceWriter {
 public:
  explicit PieceWriter(Console& console) : console_(console) {}

  StreamControl operator()(const GeneratedPiece& piece);

  // Errors: those of Console::write().
  const Result<void>& outcome() const noexcept { return outcome_; }

 private:
  Console& console_;
  Result<void> outcome_;
};

// The request for a text of its own: the prompt as it is.
GenerationRequest plain_request(std::string prompt);

// "Hypr Tiny (qwen3, 3.5 M parameters, Q8_0, context 512)", with what the file says.
std::string describe_model(const RuntimeEngine& engine);

// "12 prompt tokens in 0.01s, 30 tokens at 61.3 tokens/s, end: max_tokens, seed 7".
std::string describe_generation(const GenerationResult& result);

// One JSON object on one line: model, adapters, prompt, text, tokens, finish_reason, seed, timings, and the adapters'
// effect if it was measured.
std::string generation_json(const LoadedEngine& loaded, std::string_view prompt, const GenerationResult& result,
                            const std::optional<AdapterEffect>& effect = {});

}  // namespace hyprstream
