// The implementation behind LlamaCppEngine::create(). Internal to runtime.
#pragma once

#include <llama.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/c_handle.hpp"
#include "runtime/chat_template.hpp"
#include "runtime/engine.hpp"
#include "runtime/linear_tap.hpp"
#include "runtime/thread_governor.hpp"

namespace hyprstream {

using LlamaModel = CHandle<llama_model, llama_model_free>;
// A llama_batch with room for a number of tokens, each of one sequence.
class LlamaBatch {
 public:
  LlamaBatch() noexcept = default;
  explicit LlamaBatch(int tokens) : batch_(llama_batch_init(tokens, 0, 1)) {}
  LlamaBatch(const LlamaBatch&) = delete;
  LlamaBatch& operator=(LlamaBatch&& other) noexcept {
    std::swap(batch_, other.batch_);
    return *this;
  }
  ~LlamaBatch() { llama_batch_free(batch_); }

  llama_batch& get() noexcept { return batch_; }

 private:
  llama_batch batch_{};
};

using LlamaContext = CHandle<llama_context, llama_free>;

// Whether only the vocabulary is wanted. Errors: those of LlamaCppEngine::create().
Result<LlamaModel> load_llama_model(const std::string& path, bool vocabulary_only, const LoadProgress& progress);

// Begins to read the model's chat template in a process of its own, beside the loading of the weights.
// Errors: kUnsupported (it has none).
Result<ChatTemplate> start_chat_template(const GgufFile& file, const ModelInfo& info);

// Tokens and templates of one vocabulary. The model must outlive it. Immutable.
class LlamaText final : public ModelText {
 public:
  // `chat_template`: the model's own, or why it cannot be used (kUnsupported: it has none).
  LlamaText(const llama_model* model, Result<ChatTemplate> chat_template);

  Result<std::vector<Token>> tokenize(std::string_view text, const TokenizeOptions& options) const override;
  std::string token_bytes(Token token, bool special) const override;
  bool is_end_of_generation(Token token) const noexcept override;
  std::optional<Token> end_token() const noexcept override;
  Result<std::string> apply_chat_template(std::span<const ChatMessage> messages,
                                          const ChatTemplateOptions& options) const override;
  const llama_vocab* vocab() const noexcept { return vocab_; }
  int vocabulary_size() const noexcept { return vocabulary_size_; }

 private:
  const llama_vocab* vocab_;
  int vocabulary_size_;
  bool has_chatml_tokens_ = false;
  Result<ChatTemplate> template_;
};

class LlamaCppEngineImpl final : public RuntimeEngine {
 public:
  LlamaCppEngineImpl(EngineOptions options, ModelInfo info, LlamaModel model, Result<ChatTemplate> chat_template);

  // `files`: the parts of the model.
  void use_fast_products(std::vector<GgufFile> files);
  // Second half of construction: the context needs the address of this object.
  Result<void> create_context();

  const ModelInfo& model_info() const noexcept override { return info_; }
  const EngineOptions& options() const noexcept override { return options_; }

  Result<std::vector<Token>> tokenize(std::string_view text, const TokenizeOptions& options) const override {
    return text_.tokenize(text, options);
  }
  std::string token_bytes(Token token, bool special) const override { return text_.token_bytes(token, special); }
  bool is_end_of_generation(Token token) const noexcept override { return text_.is_end_of_generation(token); }
  std::optional<Token> end_token() const noexcept override { return text_.end_token(); }
  Result<std::string> apply_chat_template(std::span<const ChatMessage> messages,
                                          const ChatTemplateOptions& options) const override {
    return text_.apply_chat_template(messages, options);
  }

  Result<SequenceId> open_sequence() override;
  void close_sequence(SequenceId sequence) override;
  int sequence_length(SequenceId sequence) const override;
  Result<void> share_prefix(SequenceId from, SequenceId to, int length) override;
  Result<void> truncate_sequence(SequenceId sequence, int length) override;
  Result<StepOutput> step(std::span<const StepInput> inputs, bool want_hidden) override;
  Result<std::unique_ptr<Sampler>> make_sampler(const SamplingParams& params) const override;
  void set_linear_hook(LinearHook* hook) noexcept override { tap_.set_hook(hook); }
  Result<std::unique_ptr<NativeAdapter>> load_native_adapter(const std::filesystem::path& path) override;
  Result<void> set_native_adapters(std::span<const NativeAdapterUse> uses) override;
  void interrupt() noexcept override { interrupted_.store(true, std::memory_order_relaxed); }
  void clear_interrupt() noexcept override { interrupted_.store(false, std::memory_order_relaxed); }

 private:
  struct Slot {
    bool open = false;
    int length = 0;  // tokens in the KV cache
  };
  // A token of the step on its way into a batch.
  struct Row {
    Token token;
    std::int32_t sequence;
    std::int32_t position;
    std::int32_t output;  // where its logits go in StepOutput; -1: nowhere
    bool alone;           // evaluated with the single tokens of other sequences

    bool is_output() const noexcept { return output >= 0; }
  };

  const Slot* find_slot(SequenceId sequence) const noexcept;
  Slot* find_slot(SequenceId sequence) noexcept { return const_cast<Slot*>(std::as_const(*this).find_slot(sequence)); }
  Result<void> validate_step(std::span<const StepInput> inputs) const;
  std::vector<Row> rows_of(std::span<const StepInput> inputs) const;
  static void close_gaps(std::span<Row> rows);
  // The first rows that fit one llama_decode, and that it does not split.
  std::span<const Row> next_batch(std::span<const Row> rows) const noexcept;
  bool may_share_batch(const Row& row, const Row& next) const noexcept;
  Result<void> decode(std::span<const Row> batch);
  // Takes the tokens of the last batch out of the KV cache again.
  Result<void> forget(std::span<const Row> rows);
  // Cuts every sequence of a failed step back to its length before it.
  void roll_back(std::span<const StepInput> inputs) noexcept;
  void collect_outputs(std::span<const Row> batch, bool want_hidden, bool is_only_batch, StepOutput& output);
  std::span<const float> keep(std::span<const float> row, bool is_only_batch);

  EngineOptions options_;
  ModelInfo info_;
  LlamaModel model_;
  LlamaText text_;
  std::optional<FastProducts> fast_products_;
  LinearTap tap_;
  std::atomic<bool> interrupted_ = false;
  std::vector<Slot> slots_;
  bool hidden_enabled_ = false;  // whether the context gives hidden states with the logits
  std::optional<ThreadGovernor> governor_;
  // Rows of a step that took several batches: libllama's own buffers hold one batch only.
  std::vector<std::unique_ptr<float[]>> kept_rows_;
  LlamaBatch batch_;
  LlamaContext context_;  // last: it refers to the tap and to interrupted_
};

}  // namespace hyprstream
