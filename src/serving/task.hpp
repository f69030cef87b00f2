// One text in the making, as the inference thread sees it. Internal to serving.
#pragma once

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/pooling.hpp"
#include "runtime/sampling.hpp"
#include "runtime/text_stream.hpp"
#include "serving/prefix_cache.hpp"
#include "serving/request.hpp"
#include "serving/scheduler.hpp"
#include "serving/stream_state.hpp"

namespace hyprstream {

using ServingClock = std::chrono::steady_clock;

struct SequenceTask;

// What the choices of one request have in common.
struct RequestTask {
  ServingRequest request;
  std::shared_ptr<StreamState> stream;
  int first_choice = 0;  // its number in the stream
  AdapterList adapters;
  std::chrono::system_clock::time_point submitted_at;
  ServingClock::time_point submitted;
  std::optional<ServingClock::time_point> started;      // the first step that holds it
  std::optional<ServingClock::time_point> first_token;  // of any choice
  RequestUsage usage;
  int open_choices = 0;
  std::vector<std::unique_ptr<SequenceTask>> siblings;  // further choices, until the prompt is computed
  std::vector<FinishReason> finish_reasons;
  std::vector<std::vector<Token>> answers;

  PrefixScope scope() const { return {adapters, request.cache_salt}; }
};

// A text that is only read: for its embedding, or for how likely its tokens are.
struct ReadingTask {
  std::string client;
  std::string label;
  std::vector<RequestAdapter> served;
  AdapterList adapters;
  std::chrono::system_clock::time_point submitted_at;
  ServingClock::time_point submitted;
  std::optional<ServingClock::time_point> started;
  std::atomic<bool> cancelled = false;
  std::promise<Result<std::vector<float>>> result;
};

// One choice of a request, or a text that is only read.
struct SequenceTask {
  TaskInfo info;
  std::vector<Token> tokens;  // the prompt and what came after it
  int computed = 0;           // of them, those in the KV cache
  std::optional<SequenceId> sequence;

  // ---- A choice ----
  std::shared_ptr<RequestTask> request;
  int choice = 0;
  int generated = 0;
  std::unique_ptr<Sampler> sampler;
  std::optional<TextStream> text;
  ServingClock::time_point last_token;

  // ---- A text that is only read ----
  std::shared_ptr<ReadingTask> reading;
  std::optional<EmbeddingPool> pool;         // for an embedding
  std::optional<std::vector<float>> scores;  // else: the logarithms of the probabilities, from the second token on

  bool cancelled() const noexcept;
  int choice_in_stream() const noexcept { return request->first_choice + choice; }
  const AdapterList& adapters() const noexcept { return request != nullptr ? request->adapters : reading->adapters; }
};

inline bool SequenceTask::cancelled() const noexcept {
  return request != nullptr ? request->stream->cancelled() : reading->cancelled.load(std::memory_order_relaxed);
}

}  // namespace hyprstream
