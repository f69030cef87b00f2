// The answer to a ServingRequest while it is being made.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/error.hpp"
#include "serving/request.hpp"

namespace hyprstream {

// More text of one choice. Deltas that nobody has read yet are joined, so a slow reader costs no more memory than
// the text itself.
struct GenerationDelta {
  int choice = 0;                  // counted through all requests that were submitted together
  std::string text;                // valid UTF-8; may be empty while `scores` is not
  std::vector<Token> tokens;       // without the end-of-generation token
  std::vector<TokenScore> scores;  // one per token, if the request asked for them
};

struct ChoiceEnd {
  int choice = 0;
  FinishReason reason = FinishReason::kMaxTokens;
  std::uint32_t seed = 0;
};

// A request has failed, all choices of it; those submitted with it are cancelled. Nothing follows.
struct GenerationFailure {
  Error error;
};

// All choices have ended; nothing follows.
struct GenerationEnd {
  RequestUsage usage;
};

using GenerationEvent = std::variant<GenerationDelta, ChoiceEnd, GenerationFailure, GenerationEnd>;

class StreamState;  // what the inference thread and the reader share

// The reader's end. One thread reads; cancel() and destruction may come from any other.
// Destroying it cancels the request: its slot is free before the next step.
class GenerationStream {
 public:
  explicit GenerationStream(std::shared_ptr<StreamState> state) : state_(std::move(state)) {}
  GenerationStream(GenerationStream&&) noexcept = default;
  GenerationStream& operator=(GenerationStream&&) = delete;
  ~GenerationStream();

  // Waits for the next event, at most so long; none: the time is up. After GenerationFailure or GenerationEnd the
  // same is given again.
  std::optional<GenerationEvent> next(std::chrono::milliseconds timeout);
  GenerationEvent next();

  // Ends the request: its choices end with FinishReason::kCancelled.
  void cancel() noexcept;
  // For someone who outlives the stream, such as a callback of a connection's end.
  std::weak_ptr<StreamState> state() const noexcept { return state_; }

 private:
  std::shared_ptr<StreamState> state_;
};

// As GenerationStream::cancel(). Thread-safe.
void cancel_stream(const std::weak_ptr<StreamState>& state) noexcept;

}  // namespace hyprstream
