// The engine: one model, many sequences, one step at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "gguf/model_info.hpp"
#include "runtime/generation.hpp"
#include "runtime/linear_hook.hpp"
#include "runtime/model_text.hpp"
#include "runtime/native_adapter.hpp"
#include "runtime/sampling.hpp"
#include "runtime/sequence.hpp"

namespace hyprstream {

enum class KvCacheType { kF16, kF32, kQ8_0 };

enum class KvCacheLayout : std::uint8_t {
  // Sequences share their cells: memory goes to whom needs it, and a prefix is shared for nothing. Attention looks at
  // the cells of all sequences, though most are not its own, so many or long ones make each other slower.
  kShared,
  // Each sequence has cells of its own, and sharing a prefix copies it. Sequences whose ids follow each other are
  // evaluated together when each has one token; everything else is evaluated on its own.
  kPerSequence,
};

struct EngineOptions {
  std::string model_path;
  // Tokens that all sequences together can hold (kShared), or each of them (kPerSequence). 0: the model's, at most
  // 4096, and with kPerSequence no more than what fits into 2 GB for all of them.
  int context_length = 0;
  int max_sequences = 1;  // sequences open at once, 1 to 256
  int batch_size = 512;   // most tokens evaluated at once, 1 to 4096; a larger step is split
  // Most rows of logits from one evaluation, 0: batch_size; a step that wants more is split.
  // At least max_sequences. Each costs 4 bytes per vocabulary entry.
  int max_outputs = 0;
  int threads = 0;  // 0: one per core that this process may use
  KvCacheType kv_cache_type = KvCacheType::kF16;
  KvCacheLayout kv_cache_layout = KvCacheLayout::kShared;
  bool flash_attention = true;
  bool adaptive_threads = true;  // yield to other processes on a busy machine (docs/performance.md)
  bool fast_products = true;     // our own kernels for what several sequences, and prompts, multiply with 4-bit weights
  bool deterministic = false;    // same seed, same text: fixes the threads and turns flash attention off
};

// Called while a model loads with the share done, 0 to 1; false cancels the load.
using LoadProgress = std::function<bool(float)>;

// Not thread-safe but for the const functions and interrupt(): one thread drives it.
//
// Sequences share one KV cache. A failed or interrupted step leaves every sequence as it was
// before it.
class RuntimeEngine : public ModelText {
 public:
  virtual const ModelInfo& model_info() const noexcept = 0;
  // As loaded: defaults replaced by what they came to.
  virtual const EngineOptions& options() const noexcept = 0;

  // ---- Sequences ----
  // Errors: kResourceExhausted (max_sequences are open).
  virtual Result<SequenceId> open_sequence() = 0;
  virtual void close_sequence(SequenceId sequence) = 0;
  // Tokens that the sequence holds.
  virtual int sequence_length(SequenceId sequence) const = 0;
  // Makes the empty sequence `to` begin with the first `length` tokens of `from`, without computing
  // them again; with kPerSequence at the cost of copying all of `from`'s cells. Errors: kInvalidArgument; kUnsupported
  // (the model's memory cannot be split there).
  virtual Result<void> share_prefix(SequenceId from, SequenceId to, int length) = 0;
  // Forgets all tokens from position `length` on. Errors as share_prefix.
  virtual Result<void> truncate_sequence(SequenceId sequence, int length) = 0;

  // Evaluates new tokens of any number of sequences in one batch.
  // Errors: kInvalidArgument, kResourceExhausted (the KV cache is full), kCancelled (interrupt()), kInternal.
  virtual Result<StepOutput> step(std::span<const StepInput> inputs, bool want_hidden = false) = 0;

  // The final hidden states, pooled as the model says, or else their mean, scaled to length 1: one
  // vector [hidden size]. Uses a sequence of its own.
  // Errors: kInvalidArgument (no tokens, more than the context), and those of step.
  Result<std::vector<float>> embed(std::span<const Token> tokens);

  // Errors: kInvalidArgument (out of range; a grammar that does not parse).
  virtual Result<std::unique_ptr<Sampler>> make_sampler(const SamplingParams& params) const = 0;

  // Makes step() call the hook; nullptr removes it. The hook must outlive its use.
  virtual void set_linear_hook(LinearHook* hook) noexcept = 0;

  // llama.cpp's own way of applying adapters, which LoraEngine (adapter_engine) falls back on: dense A and B,
  // for every sequence of the steps that follow. The file is trusted: one that we wrote.
  // Errors: kCorrupt.
  virtual Result<std::unique_ptr<NativeAdapter>> load_native_adapter(const std::filesystem::path& path) = 0;
  // Errors: kInternal.
  virtual Result<void> set_native_adapters(std::span<const NativeAdapterUse> uses) = 0;

  // Makes the step in progress, and every later one, fail with kCancelled until
  // clear_interrupt(). Callable from any thread and from a signal handler.
  virtual void interrupt() noexcept = 0;
  virtual void clear_interrupt() noexcept = 0;

  // Generates one text with a sequence of its own; calls `callback` (which may be empty) once
  // per token. Errors: kInvalidArgument (empty or over-long prompt, options out of range), and
  // those of step, but an interrupt gives a result with kCancelled and the text so far.
  Result<GenerationResult> generate(const GenerationRequest& request, const TokenCallback& callback);
};

// Closes its sequence. Not thread-safe; must not outlive the engine.
class ScopedSequence {
 public:
  static Result<ScopedSequence> open(RuntimeEngine& engine);

  ScopedSequence(ScopedSequence&& other) noexcept : engine_(other.engine_), id_(other.id_) { other.engine_ = nullptr; }
  ScopedSequence& operator=(ScopedSequence&&) = delete;
  ~ScopedSequence() {
    if (engine_ != nullptr) engine_->close_sequence(id_);
  }

  SequenceId id() const noexcept { return id_; }

 private:
  ScopedSequence(RuntimeEngine& engine, SequenceId id) noexcept : engine_(&engine), id_(id) {}

  RuntimeEngine* engine_;
  SequenceId id_;
};

}  // namespace hyprstream
