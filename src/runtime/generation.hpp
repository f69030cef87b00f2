// Generating text: one request in, a stream of pieces and a result out.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/sampling.hpp"
#include "runtime/sequence.hpp"

namespace hyprstream {

struct GenerationRequest {
  // The prompt, already templated if it is a chat. Either text or tokens; tokens win.
  std::string prompt;
  std::vector<Token> prompt_tokens;
  // Unset: a sequence of its own. Else this open one: the tokens that it holds must be the prompt's
  // first ones, but not all of them, and are not computed again. It then holds the answer too.
  std::optional<SequenceId> sequence;
  bool parse_special = true;  // whether "<|im_start|>" in `prompt` is that token or plain text
  int max_tokens = 128;       // >= 1; the context's end also stops
  SamplingParams sampling;
  std::vector<std::string> stop;  // non-empty strings that end the text and are not part of it
  bool ignore_end_of_generation = false;
};

enum class FinishReason : std::uint8_t {
  kEndOfGeneration,  // the model ended the text
  kStopString,
  kMaxTokens,
  kContextFull,
  kCancelled,  // the callback or the engine's interrupt stopped it
};

std::string_view finish_reason_name(FinishReason reason) noexcept;

struct GenerationTimings {
  int prompt_tokens = 0;
  int generated_tokens = 0;
  double prompt_seconds = 0;       // prefill
  double first_token_seconds = 0;  // from the request to the first token chosen
  double generation_seconds = 0;   // from the end of the prefill to the last token
  double total_seconds = 0;

  double prompt_tokens_per_second() const noexcept;
  double generated_tokens_per_second() const noexcept;
};

struct GenerationResult {
  std::string text;           // valid UTF-8
  std::vector<Token> tokens;  // as sampled, the end-of-generation token left out
  FinishReason finish_reason = FinishReason::kMaxTokens;
  std::uint32_t seed = 0;
  GenerationTimings timings;
};

// What one generated token adds to the text. `text` may be empty (bytes held back until a
// character is whole or a stop string is ruled out).
struct GeneratedPiece {
  std::string_view text;
  std::optional<Token> token;  // unset for text that was held back until the end
};

enum class StreamControl : std::uint8_t { kContinue, kStop };
using TokenCallback = std::function<StreamControl(const GeneratedPiece&)>;

}  // namespace hyprstream
