// A RuntimeEngine in which each sequence has adapters of its own.
//
// Sequences with different adapters, and with none, share one batch: what a sequence's adapters add to the outputs
// of the linear layers is computed for its columns alone.
#pragma once

#include <memory>
#include <unordered_map>

#include "adapter/base_model.hpp"
#include "adapter_engine/adapter_history.hpp"
#include "adapter_engine/adapter_list.hpp"
#include "adapter_engine/lora_hook.hpp"
#include "adapter_engine/native_route.hpp"
#include "runtime/engine.hpp"

namespace hyprstream {

// How adapters are applied.
enum class LoraRoute : std::uint8_t {
  kAuto,    // kHook, and kNative from the first step on in which the hook cannot reach the activations
  kHook,    // sparse, in one batch
  kNative,  // llama.cpp's own: dense, one evaluation per list of adapters
};

// Not thread-safe but for the const functions and interrupt().
class LoraEngine final : public RuntimeEngine {
 public:
  // `base`: of the model that `engine` runs.
  static std::unique_ptr<LoraEngine> create(std::unique_ptr<RuntimeEngine> engine, BaseModel base,
                                            LoraRoute route = LoraRoute::kAuto);
  ~LoraEngine() override;

  const BaseModel& base_model() const noexcept { return base_; }
  // As used by the steps so far; kAuto becomes one of the two in the first step with adapters.
  LoraRoute route() const noexcept { return route_; }

  // From the next step on these act on the sequence, in the versions that are given; an empty list is the base
  // model. What the sequence holds already stays as it was computed.
  // Errors: kInvalidArgument (no such sequence; a scale that is not finite), those of check_fits().
  Result<void> set_adapters(SequenceId sequence, AdapterList adapters);
  const AdapterList& adapters(SequenceId sequence) const;
  // What sequences that are opened from now on begin with. Errors: as set_adapters().
  Result<void> set_default_adapters(AdapterList adapters);

  // ---- RuntimeEngine ----
  const ModelInfo& model_info() const noexcept override { return engine_->model_info(); }
  const EngineOptions& options() const noexcept override { return engine_->options(); }
  Result<std::vector<Token>> tokenize(std::string_view text, const TokenizeOptions& options) const override {
    return engine_->tokenize(text, options);
  }
  std::string token_bytes(Token token, bool special) const override { return engine_->token_bytes(token, special); }
  bool is_end_of_generation(Token token) const noexcept override { return engine_->is_end_of_generation(token); }
  std::optional<Token> end_token() const noexcept override { return engine_->end_token(); }
  Result<std::string> apply_chat_template(std::span<const ChatMessage> messages,
                                          const ChatTemplateOptions& options) const override {
    return engine_->apply_chat_template(messages, options);
  }
  Result<SequenceId> open_sequence() override;
  void close_sequence(SequenceId sequence) override;
  int sequence_length(SequenceId sequence) const override { return engine_->sequence_length(sequence); }
  // Also kInvalidArgument if the prefix was not computed under the very adapters that `to` has.
  Result<void> share_prefix(SequenceId from, SequenceId to, int length) override;
  Result<void> truncate_sequence(SequenceId sequence, int length) override;
  // Also kUnsupported: the model does not evaluate a weight that an adapter acts on as a plain product.
  Result<StepOutput> step(std::span<const StepInput> inputs, bool want_hidden = false) override;
  Result<std::unique_ptr<Sampler>> make_sampler(const SamplingParams& params) const override {
    return engine_->make_sampler(params);
  }
  void set_linear_hook(LinearHook* hook) noexcept override { hook_.set_next(hook); }
  Result<std::unique_ptr<NativeAdapter>> load_native_adapter(const std::filesystem::path& path) override {
    return engine_->load_native_adapter(path);
  }
  Result<void> set_native_adapters(std::span<const NativeAdapterUse> uses) override {
    return engine_->set_native_adapters(uses);
  }
  void interrupt() noexcept override { engine_->interrupt(); }
  void clear_interrupt() noexcept override { engine_->clear_interrupt(); }

 private:
  LoraEngine(std::unique_ptr<RuntimeEngine> engine, BaseModel base, LoraRoute route);

  Result<AdapterList> checked(AdapterList adapters) const;
  Result<StepOutput> hooked_step(std::span<const StepInput> inputs, std::span<const AdapterList* const> adapters,
                                 bool want_hidden);

  std::unique_ptr<RuntimeEngine> engine_;
  BaseModel base_;
  LoraRoute route_;
  LoraHook hook_;
  NativeRoute native_;
  AdapterList default_adapters_;
  std::unordered_map<SequenceId, AdapterHistory> sequences_;
};

}  // namespace hyprstream
