#include "adapter_engine/lora_engine.hpp"

#include <cmath>
#include <format>
#include <utility>

namespace hyprstream {
namespace {

const AdapterList kNoAdapters;

std::unexpected<Error> no_such_sequence(SequenceId sequence) {
  return fail(ErrorCode::kInvalidArgument, std::format("there is no sequence {}", static_cast<int>(sequence)));
}

}  // namespace

std::unique_ptr<LoraEngine> LoraEngine::create(std::unique_ptr<RuntimeEngine> engine, BaseModel base, LoraRoute route) {
  return std::unique_ptr<LoraEngine>(new LoraEngine(std::move(engine), std::move(base), route));
}

LoraEngine::LoraEngine(std::unique_ptr<RuntimeEngine> engine, BaseModel base, LoraRoute route)
    : engine_(std::move(engine)), base_(std::move(base)), route_(route), native_(*engine_) {
  engine_->set_linear_hook(&hook_);
}

LoraEngine::~LoraEngine() { engine_->set_linear_hook(nullptr); }

Result<AdapterList> LoraEngine::checked(AdapterList adapters) const {
  for (const auto& [adapter, scale] : adapters) {
    if (!std::isfinite(scale))
      return fail(ErrorCode::kInvalidArgument, std::format("the scale of adapter '{}' is {}", adapter->name(), scale));
    HYPRSTREAM_TRY(check_fits(*adapter, base_));
  }
  std::erase_if(adapters, [](const AdapterUse& use) { return use.scale == 0; });
  return adapters;
}

Result<void> LoraEngine::set_adapters(SequenceId sequence, AdapterList adapters) {
  const auto found = sequences_.find(sequence);
  if (found == sequences_.end()) return no_such_sequence(sequence);
  HYPRSTREAM_ASSIGN(auto list, checked(std::move(adapters)));
  found->second.set_current(std::move(list));
  return {};
}

const AdapterList& LoraEngine::adapters(SequenceId sequence) const {
  const auto found = sequences_.find(sequence);
  return found == sequences_.end() ? kNoAdapters : found->second.current();
}

Result<void> LoraEngine::set_default_adapters(AdapterList adapters) {
  HYPRSTREAM_ASSIGN(default_adapters_, checked(std::move(adapters)));
  return {};
}

Result<SequenceId> LoraEngine::open_sequence() {
  auto sequence = engine_->open_sequence();
  if (sequence) sequences_[*sequence].set_current(default_adapters_);
  return sequence;
}

void LoraEngine::close_sequence(SequenceId sequence) {
  engine_->close_sequence(sequence);
  sequences_.erase(sequence);
}

Result<void> LoraEngine::share_prefix(SequenceId from, SequenceId to, int length) {
  const auto source = sequences_.find(from);
  const auto target = sequences_.find(to);
  if (source == sequences_.end()) return no_such_sequence(from);
  if (target == sequences_.end()) return no_such_sequence(to);
  if (!source->second.is_pure(target->second.current(), length))
    return fail(
        ErrorCode::kInvalidArgument,
        std::format("sequence {} cannot begin like sequence {}: those tokens were computed under other adapters",
                    static_cast<int>(to), static_cast<int>(from)));
  HYPRSTREAM_TRY(engine_->share_prefix(from, to, length));
  if (length > 0) target->second.extend(0);
  return {};
}

Result<void> LoraEngine::truncate_sequence(SequenceId sequence, int length) {
  HYPRSTREAM_TRY(engine_->truncate_sequence(sequence, length));
  if (const auto found = sequences_.find(sequence); found != sequences_.end()) found->second.truncate(length);
  return {};
}

Result<StepOutput> LoraEngine::hooked_step(std::span<const StepInput> inputs,
                                           std::span<const AdapterList* const> adapters, bool want_hidden) {
  std::vector<LoraHook::Row> rows;
  std::vector<int> lengths;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    rows.push_back({inputs[i].sequence, adapters[i]});
    lengths.push_back(engine_->sequence_length(inputs[i].sequence));
  }
  hook_.begin_step(rows);
  auto output = engine_->step(inputs, want_hidden);
  if (!hook_.is_active()) return output;
  if (!output && output.error().code == ErrorCode::kUnsupported && route_ == LoraRoute::kAuto) {
    // The activations are not in host memory.
    route_ = LoraRoute::kNative;
    hook_.begin_step({});
    return native_.step(inputs, adapters, want_hidden);
  }
  if (!output) return output;
  route_ = LoraRoute::kHook;
  if (auto complete = hook_.end_step(output->logits.size()); !complete) {
    for (std::size_t i = 0; i < inputs.size(); ++i) (void)engine_->truncate_sequence(inputs[i].sequence, lengths[i]);
    return std::unexpected(std::move(complete).error());
  }
  return output;
}

Result<StepOutput> LoraEngine::step(std::span<const StepInput> inputs, bool want_hidden) {
  std::vector<const AdapterList*> lists;
  std::vector<std::pair<AdapterHistory*, int>> changed;
  for (const auto& input : inputs) {
    const auto found = sequences_.find(input.sequence);
    if (found == sequences_.end()) return no_such_sequence(input.sequence);
    lists.push_back(&found->second.current());
    changed.emplace_back(&found->second, engine_->sequence_length(input.sequence));
  }
  auto output =
      route_ == LoraRoute::kNative ? native_.step(inputs, lists, want_hidden) : hooked_step(inputs, lists, want_hidden);
  if (output)
    for (const auto& [history, begin] : changed) history->extend(begin);
  return output;
}

}  // namespace hyprstream
