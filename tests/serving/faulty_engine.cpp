#include "faulty_engine.hpp"

#include <algorithm>
#include <utility>

namespace hyprstream::testing_support {
namespace {

class FaultyEngine final : public RuntimeEngine {
 public:
  FaultyEngine(std::unique_ptr<RuntimeEngine> engine, Token poison) : engine_(std::move(engine)), poison_(poison) {}

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
  Result<SequenceId> open_sequence() override { return engine_->open_sequence(); }
  void close_sequence(SequenceId sequence) override { engine_->close_sequence(sequence); }
  int sequence_length(SequenceId sequence) const override { return engine_->sequence_length(sequence); }
  Result<void> share_prefix(SequenceId from, SequenceId to, int length) override {
    return engine_->share_prefix(from, to, length);
  }
  Result<void> truncate_sequence(SequenceId sequence, int length) override {
    return engine_->truncate_sequence(sequence, length);
  }
  Result<StepOutput> step(std::span<const StepInput> inputs, bool want_hidden) override {
    for (const auto& input : inputs)
      if (std::ranges::contains(input.tokens, poison_)) return fail(ErrorCode::kInternal, "poisoned");
    return engine_->step(inputs, want_hidden);
  }
  Result<std::unique_ptr<Sampler>> make_sampler(const SamplingParams& params) const override {
    return engine_->make_sampler(params);
  }
  void set_linear_hook(LinearHook* hook) noexcept override { engine_->set_linear_hook(hook); }
  Result<std::unique_ptr<NativeAdapter>> load_native_adapter(const std::filesystem::path& path) override {
    return engine_->load_native_adapter(path);
  }
  Result<void> set_native_adapters(std::span<const NativeAdapterUse> uses) override {
    return engine_->set_native_adapters(uses);
  }
  void interrupt() noexcept override { engine_->interrupt(); }
  void clear_interrupt() noexcept override { engine_->clear_interrupt(); }

 private:
  std::unique_ptr<RuntimeEngine> engine_;
  Token poison_;
};

}  // namespace

std::unique_ptr<RuntimeEngine> failing_on(std::unique_ptr<RuntimeEngine> engine, Token poison) {
  return std::make_unique<FaultyEngine>(std::move(engine), poison);
}

}  // namespace hyprstream::testing_support
