// What the inference service tells whoever keeps count: metrics, the log of generations.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/generation.hpp"
#include "serving/request.hpp"

namespace hyprstream {

enum class RequestOutcome : std::uint8_t { kFinished, kCancelled, kFailed };

// One request that has left the service.
struct RequestReport {
  std::chrono::system_clock::time_point submitted;
  std::string client;
  std::string label;
  std::vector<RequestAdapter> adapters;
  RequestOutcome outcome = RequestOutcome::kFinished;
  bool started = true;  // false: it left the queue without a turn; queue_seconds is how long it waited
  std::vector<FinishReason> finish_reasons;  // of each choice
  RequestUsage usage;
  std::vector<Token> prompt;                // empty unless InferenceOptions::report_tokens
  std::vector<std::vector<Token>> answers;  // the same
  bool embedding = false;
};

// One step of the engine.
struct StepReport {
  int sequences = 0;       // in the batch
  int prompt_tokens = 0;   // prefilled
  int decoded_tokens = 0;  // one for each running choice
  double seconds = 0;
};

// Called on the inference thread, between steps: must return at once and never wait on anything but a short mutex.
class ServingObserver {
 public:
  virtual ~ServingObserver() = default;
  virtual void on_request_end(const RequestReport& report) = 0;
  virtual void on_step(const StepReport& report) = 0;
  // `seconds` since submit().
  virtual void on_first_token(const std::string& label, double seconds) = 0;
  // `seconds` between two tokens of one choice.
  virtual void on_token_gap(const std::string& label, double seconds) = 0;
};

}  // namespace hyprstream
