// A trainer with a model of eight numbers, for what training meets around it.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "training/lora_trainer.hpp"

namespace hyprstream::testing_support {

// Each token's class (token % 8) has a value that is drawn towards the token. Every step changes them in a way that
// depends on all before it, so that an omitted, repeated or reordered step shows.
class FakeTrainer final : public LoraTrainer {
 public:
  struct Faults {
    std::optional<std::size_t> diverges_at;  // the step that fails with a loss that is not finite
    std::size_t state_padding = 0;           // bytes that make the state larger
    std::function<void(std::size_t)> before_step;
  };

  explicit FakeTrainer(LoraTrainingOptions options) : FakeTrainer(std::move(options), Faults{}) {}
  FakeTrainer(LoraTrainingOptions options, Faults faults);

  Result<TrainingStep> step(std::span<const MicroBatch> micro_batches, double learning_rate) override;
  Result<EvaluationResult> evaluate(std::span<const TrainingExample> examples, bool with_adapter) override;
  Result<std::vector<std::vector<std::uint8_t>>> predict(std::span<const TrainingExample> examples,
                                                         bool with_adapter) override;
  Result<LoraAdapter> adapter() const override;
  std::size_t steps_done() const noexcept override { return steps_; }
  bool is_pruned() const noexcept override { return sparsity() == options_.sparsity; }
  const LoraTrainingOptions& options() const noexcept override { return options_; }
  std::size_t context_length() const noexcept override { return 512; }
  Result<std::string> save_state() const override;
  Result<void> load_state(std::string_view state) override;
  void interrupt() noexcept override { interrupted_ = true; }
  void clear_interrupt() noexcept override { interrupted_ = false; }

 private:
  double loss_of(const TrainingExample& example, bool with_adapter) const;
  double sparsity() const noexcept;

  LoraTrainingOptions options_;
  Faults faults_;
  std::vector<double> values_ = std::vector<double>(8);
  std::size_t steps_ = 0;
  std::atomic<bool> interrupted_ = false;
};

}  // namespace hyprstream::testing_support
