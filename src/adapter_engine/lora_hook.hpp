// The sparse way of applying adapters: adds their deltas to the outputs of the linear layers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "adapter_engine/adapter_list.hpp"
#include "base/error.hpp"
#include "runtime/linear_hook.hpp"

namespace hyprstream {

// Set up between steps, on the engine's thread; called in a step as LinearHook says.
class LoraHook final : public LinearHook {
 public:
  // Another hook, which sees each product with the deltas in it; nullptr: none.
  void set_next(LinearHook* next) noexcept { next_ = next; }

  // What the coming step evaluates. The lists must outlive it.
  struct Row {
    SequenceId sequence{};
    const AdapterList* adapters = nullptr;
  };
  void begin_step(std::span<const Row> rows);
  // Whether any adapter acts in this step.
  bool is_active() const noexcept { return is_active_; }
  // Whether this step, or one before it, came by every weight that an adapter acts on; one without outputs need not.
  // Errors: kUnsupported, naming the first weight that the model does not evaluate as a plain product.
  Result<void> end_step(std::size_t outputs) const;

  bool wants(LinearId id) const noexcept override;
  void on_linear_output(const LinearOutput& linear) noexcept override;

 private:
  const AdapterList* adapters_of(SequenceId sequence) const noexcept;

  LinearHook* next_ = nullptr;
  std::vector<const AdapterList*> by_sequence_;  // nullptr: not in the step, or no adapters
  std::vector<bool> needed_;                     // by layer, then module
  mutable std::vector<bool> seen_;               // in any step
  bool is_active_ = false;
};

}  // namespace hyprstream
