// What SQL's functions ask of a model. The catalog calls it; who has an engine implements it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace hyprstream {

struct GenerateCall {
  std::string prompt;
  std::string system;                 // instructions; empty: none
  std::string adapter;                // NAME or NAME@VERSION; empty: the base model
  int max_tokens = 128;               // >= 1
  float temperature = 0;              // 0: the most likely token, always
  std::optional<std::uint32_t> seed;  // for a temperature above 0
};

struct PerplexityCall {
  std::string text;
  std::string adapter;  // as in GenerateCall
};

// When a call must end before it is done. Thread-safe.
class CallLimits {
 public:
  using Clock = std::chrono::steady_clock;
  // `cancelled` must outlive it.
  explicit CallLimits(const std::atomic<bool>& cancelled, std::optional<Clock::time_point> deadline = {}) noexcept
      : cancelled_(cancelled), deadline_(deadline) {}

  // Errors: kCancelled, kUnavailable (the statement's time is up).
  Result<void> check() const {
    if (cancelled_) return fail(ErrorCode::kCancelled, "the statement was cancelled");
    if (deadline_ && Clock::now() >= *deadline_) return fail(ErrorCode::kUnavailable, "the statement took too long");
    return {};
  }

 private:
  const std::atomic<bool>& cancelled_;
  std::optional<Clock::time_point> deadline_;
};

// Rows of one answer: the outer error fails the statement (no model, cancelled), an inner one is that row's.
template <typename T>
using RowResults = Result<std::vector<Result<T>>>;

// Thread-safe. Each function takes rows that may share the model's steps, gives one result a row, and returns within a
// step of the model once the limits say so.
class ModelFunctions {
 public:
  virtual ~ModelFunctions() = default;

  virtual RowResults<std::string> generate(std::span<const GenerateCall> calls, const CallLimits& limits) = 0;
  // exp of the mean negative log-likelihood of each token after those before it.
  virtual RowResults<double> perplexity(std::span<const PerplexityCall> calls, const CallLimits& limits) = 0;
  // [hidden size], of length 1.
  virtual RowResults<std::vector<float>> embed(std::span<const std::string> texts, const CallLimits& limits) = 0;
  virtual RowResults<std::vector<std::int32_t>> tokenize(std::span<const std::string> texts) = 0;
};

}  // namespace hyprstream
