// Continuous batching: one thread that owns the engine, and any number of requests that join and leave its steps.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <stop_token>
#include <vector>

#include "adapter_engine/lora_engine.hpp"
#include "base/error.hpp"
#include "serving/generation_stream.hpp"
#include "serving/observer.hpp"
#include "serving/request.hpp"

namespace hyprstream {

struct InferenceOptions {
  int parallel = 8;          // choices generated at once, 1 to 128
  int queue_length = 1024;   // requests that wait for a slot; one more is refused
  int prefill_tokens = 512;  // most prompt tokens in one step; an eighth while others run, so that they move
  int max_choices = 16;      // of one request
  // Finished sequences that are kept for their prefixes. Where each has cells of its own, they stay where they were
  // made, and only 0 or more counts.
  int cached_sequences = 32;
  bool report_tokens = false;  // put prompts and answers into RequestReport
};

// Sequences that the engine must be able to hold open for these options (EngineOptions::max_sequences).
int sequences_needed(const InferenceOptions& options, KvCacheLayout layout = KvCacheLayout::kShared) noexcept;

struct ServiceState {
  int running = 0;        // choices with a slot
  int waiting = 0;        // requests in the queue
  int kv_tokens = 0;      // tokens in the KV cache, those of cached prefixes included
  int kv_capacity = 0;    // tokens that it can hold
  int cached_tokens = 0;  // of kv_tokens, those that no running choice needs
  bool draining = false;
};

// Thread-safe, but for create() and destruction.
class InferenceService {
 public:
  // Takes the engine and starts the thread. The observers must outlive the service.
  // Errors: kInvalidArgument (an option out of range; an engine with too few sequences).
  static Result<std::unique_ptr<InferenceService>> create(std::unique_ptr<LoraEngine> engine,
                                                          const InferenceOptions& options,
                                                          std::vector<ServingObserver*> observers = {});
  ~InferenceService();  // stop()

  // For its const functions, which are thread-safe: tokenize(), token_bytes(), apply_chat_template(), model_info().
  const LoraEngine& engine() const noexcept;
  const InferenceOptions& options() const noexcept;

  // Errors: kInvalidArgument (out of range; a prompt that leaves no room in the context: names both; a grammar that
  // does not parse), kResourceExhausted (the queue is full), kUnavailable (draining), those of check_fits().
  Result<GenerationStream> submit(ServingRequest request);
  // Several at once, answered in one stream; the choices of the first request come first. If one is refused, none runs.
  Result<GenerationStream> submit(std::vector<ServingRequest> requests);

  // One vector [hidden size] of length 1, pooled as the model says, else the mean over all tokens. Waits for it.
  // Errors: as submit(), and kCancelled if `stop` asks for it.
  Result<std::vector<float>> embed(EmbeddingRequest request, std::stop_token stop = {});
  // Several beside each other, with the vectors in the order of the requests. Errors: the first one's.
  Result<std::vector<std::vector<float>>> embed(std::vector<EmbeddingRequest> requests, std::stop_token stop = {});

  // For each token but the first the logarithm of its probability after those before it. Errors: as embed().
  Result<std::vector<std::vector<float>>> score(std::vector<ScoringRequest> requests, std::stop_token stop = {});

  // Nothing that was computed with the adapter is kept for its beginning from the next turn on. Returns at once.
  void forget_adapter(std::shared_ptr<const LoraAdapter> adapter);

  ServiceState state() const;

  // Refuses new requests from now on; those in flight go on.
  void begin_drain() noexcept;
  // Waits until nothing is in flight; false: it took longer.
  bool wait_until_idle(std::chrono::milliseconds timeout);
  // At once: what is in flight fails with kUnavailable, and so does what comes. Not for two threads at once.
  void stop();

 private:
  class Impl;
  explicit InferenceService(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace hyprstream
