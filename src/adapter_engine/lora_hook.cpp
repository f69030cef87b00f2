#include "adapter_engine/lora_hook.hpp"

#include <algorithm>
#include <format>

#include "adapter_engine/lora_kernels.hpp"

namespace hyprstream {
namespace {

std::size_t index_of(LinearId id) noexcept {
  return static_cast<std::size_t>(id.layer) * kLinearModuleCount + static_cast<std::size_t>(id.module);
}

}  // namespace

void LoraHook::begin_step(std::span<const Row> rows) {
  is_active_ = false;
  std::ranges::fill(by_sequence_, nullptr);
  std::ranges::fill(needed_, false);
  for (const auto& [sequence, adapters] : rows) {
    if (adapters->empty()) continue;
    is_active_ = true;
    const auto at = static_cast<std::size_t>(sequence);
    if (at >= by_sequence_.size()) by_sequence_.resize(at + 1);
    by_sequence_[at] = adapters;
    for (const auto& use : *adapters)
      for (const auto& pair : use.adapter->pairs()) {
        const std::size_t index = index_of(pair.id);
        if (index >= needed_.size()) {
          needed_.resize(index + 1);
          seen_.resize(index + 1);
        }
        needed_[index] = true;
      }
  }
}

Result<void> LoraHook::end_step(std::size_t outputs) const {
  if (outputs == 0) return {};
  for (std::size_t index = 0; index < needed_.size(); ++index)
    if (needed_[index] && !seen_[index])
      return fail(ErrorCode::kUnsupported,
                  std::format("the model does not evaluate blk.{}.{}.weight as a plain product, so that no adapter can "
                              "act there: make one without {}",
                              index / kLinearModuleCount,
                              gguf_linear_name(static_cast<LinearModule>(index % kLinearModuleCount)),
                              linear_module_name(static_cast<LinearModule>(index % kLinearModuleCount))));
  return {};
}

bool LoraHook::wants(LinearId id) const noexcept {
  const std::size_t index = index_of(id);
  const bool is_needed = index < needed_.size() && needed_[index];
  if (is_needed) seen_[index] = true;
  return is_needed || (next_ != nullptr && next_->wants(id));
}

const AdapterList* LoraHook::adapters_of(SequenceId sequence) const noexcept {
  const auto at = static_cast<std::size_t>(sequence);
  return at < by_sequence_.size() ? by_sequence_[at] : nullptr;
}

void LoraHook::on_linear_output(const LinearOutput& linear) noexcept {
  // Columns of one sequence lie beside each other.
  for (std::size_t begin = 0, end = 0; begin < linear.columns.size(); begin = end) {
    const SequenceId sequence = linear.columns[begin].sequence;
    while (end < linear.columns.size() && linear.columns[end].sequence == sequence) ++end;
    const AdapterList* adapters = adapters_of(sequence);
    if (adapters == nullptr) continue;
    const LoraColumns columns{.input = linear.input + begin * linear.input_stride,
                              .output = linear.output + begin * linear.output_stride,
                              .input_stride = linear.input_stride,
                              .output_stride = linear.output_stride,
                              .count = end - begin};
    for (const auto& [adapter, scale] : *adapters)
      if (const LoraPair* pair = adapter->find(linear.id); pair != nullptr) add_lora_delta(*pair, scale, columns);
  }
  if (next_ != nullptr && next_->wants(linear.id)) next_->on_linear_output(linear);
}

}  // namespace hyprstream
