// The turns of the inference thread, up to the step; what comes of a step is in step_results.cpp.
#include "serving/inference_loop.hpp"

#include <pthread.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

namespace hyprstream {
namespace {

// Rows of logits that a text which is only read may ask for in one step: each costs a product with the whole
// vocabulary.
constexpr int kReadingRows = 64;

// While other texts run, a step takes this part of InferenceOptions::prefill_tokens: 64 tokens of a prompt cost as much
// for each as 512 do, and the others wait for an eighth of the time.
constexpr int kBusyShare = 8;

bool has_shared_cells(const RuntimeEngine& engine) {
  return engine.options().kv_cache_layout == KvCacheLayout::kShared;
}

SchedulerLimits limits_for(const RuntimeEngine& engine, const InferenceOptions& options) {
  const int batch = engine.options().batch_size;
  return {.slots = options.parallel,
          // A sequence with cells of its own never lacks any.
          .kv_cells = has_shared_cells(engine) ? engine.options().context_length : std::numeric_limits<int>::max() / 2,
          .step_tokens = std::min(batch, options.prefill_tokens + options.parallel),
          .busy_prefill = std::max(1, options.prefill_tokens / kBusyShare)};
}

}  // namespace

InferenceLoop::InferenceLoop(LoraEngine& engine, const InferenceOptions& options,
                             std::vector<ServingObserver*> observers)
    : engine_(engine),
      options_(options),
      shared_cells_(has_shared_cells(engine)),
      observers_(std::move(observers)),
      scheduler_(limits_for(engine, options)),
      cache_(static_cast<std::size_t>(options.cached_sequences)) {
  state_.kv_capacity = engine.options().context_length * (shared_cells_ ? 1 : engine.options().max_sequences);
  thread_ = std::thread([this] { run(); });
}

void InferenceLoop::stop() {
  if (!thread_.joinable()) return;
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = draining_ = true;
  }
  engine_.interrupt();
  work_.notify_one();
  thread_.join();
  engine_.clear_interrupt();
}

Result<void> InferenceLoop::submit(std::unique_ptr<SequenceTask> task) {
  {
    const std::scoped_lock lock(mutex_);
    if (draining_) return fail(ErrorCode::kUnavailable, "the server is shutting down and takes no new requests");
    if (state_.waiting + static_cast<int>(inbox_.size()) >= options_.queue_length)
      return fail(ErrorCode::kResourceExhausted,
                  "the queue is full: " + std::to_string(options_.queue_length) + " requests wait already; try later");
    inbox_.push_back(std::move(task));
  }
  work_.notify_one();
  return {};
}

void InferenceLoop::forget_adapter(std::shared_ptr<const LoraAdapter> adapter) {
  {
    const std::scoped_lock lock(mutex_);
    to_retire_.push_back(std::move(adapter));
  }
  work_.notify_one();
}

ServiceState InferenceLoop::state() const {
  const std::scoped_lock lock(mutex_);
  ServiceState state = state_;
  state.waiting += static_cast<int>(inbox_.size());
  state.draining = draining_;
  return state;
}

void InferenceLoop::begin_drain() noexcept {
  const std::scoped_lock lock(mutex_);
  draining_ = true;
}

bool InferenceLoop::wait_until_idle(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  return idle_.wait_for(lock, timeout, [&] { return inbox_.empty() && state_.running == 0 && state_.waiting == 0; });
}

void InferenceLoop::run() {
  // The engine's own threads inherit the name, by which ThreadGovernor tells them from all others.
  pthread_setname_np(pthread_self(), "inference");
  while (collect()) {
    drop_cancelled();
    admit();
    publish_state();  // before the step: whoever reads a first token finds its slot counted
    step();
    publish_state();
  }
  fail_everything();
  publish_state();
}

bool InferenceLoop::collect() {
  std::vector<std::unique_ptr<SequenceTask>> taken;
  std::vector<std::shared_ptr<const LoraAdapter>> retired;
  {
    std::unique_lock lock(mutex_);
    work_.wait(lock, [&] { return stopping_ || !inbox_.empty() || !to_retire_.empty() || !tasks_.empty(); });
    if (stopping_) return false;
    taken.swap(inbox_);
    retired.swap(to_retire_);
    state_.waiting += static_cast<int>(taken.size());  // until the next publish_state()
  }
  for (auto& adapter : retired) retire(std::move(adapter));
  for (auto& task : taken) enqueue(std::move(task));
  return true;
}

void InferenceLoop::retire(std::shared_ptr<const LoraAdapter> adapter) {
  for (const SequenceId sequence : cache_.evict(*adapter)) close_sequence(sequence);
  std::erase_if(retired_, [](const auto& other) { return other.expired(); });
  retired_.push_back(std::move(adapter));
}

bool InferenceLoop::is_retired(const AdapterList& adapters) {
  return std::ranges::any_of(retired_, [&](const auto& weak) {
    const auto adapter = weak.lock();
    return adapter != nullptr && uses_adapter(adapters, *adapter);
  });
}

void InferenceLoop::enqueue(std::unique_ptr<SequenceTask> task) {
  task->info.id = ++last_id_;
  task->info.tokens = static_cast<int>(task->tokens.size());
  // Whoever asks for it anew has it back.
  std::erase_if(retired_, [&](const auto& weak) {
    const auto adapter = weak.lock();
    return adapter == nullptr || uses_adapter(task->adapters(), *adapter);
  });
  if (task->reading != nullptr) task->info.most_per_step = std::min(kReadingRows, engine_.options().max_outputs);
  scheduler_.enqueue(task->info);
  tasks_.emplace(task->info.id, std::move(task));
}

void InferenceLoop::drop_cancelled() {
  std::vector<SequenceTask*> cancelled;
  for (const auto& [id, task] : tasks_)
    if (task->cancelled()) cancelled.push_back(task.get());
  for (SequenceTask* task : cancelled) {
    if (task->reading != nullptr) {
      end_reading(*task, fail(ErrorCode::kCancelled, "cancelled"));
    } else {
      // Choices that have not even begun end with it.
      task->request->open_choices -= static_cast<int>(task->request->siblings.size());
      task->request->siblings.clear();
      end_choice(*task, FinishReason::kCancelled);
    }
  }
}

void InferenceLoop::admit() {
  if (scheduler_.waiting() == 0 || scheduler_.running() == options_.parallel) return;
  for (const TaskId id : scheduler_.admit(needed_cells()))
    if (SequenceTask* task = find_task(id)) start(*task);
}

SequenceTask* InferenceLoop::find_task(TaskId id) const {
  const auto found = tasks_.find(id);
  return found == tasks_.end() ? nullptr : found->second.get();
}

// Cells that would be in use if nothing were kept for its prefix.
int InferenceLoop::needed_cells() const {
  KvLedger needed = ledger_;
  for (const SequenceId kept : cache_.sequences()) needed.close(kept);
  return needed.cells();
}

std::vector<InferenceLoop::Part> InferenceLoop::plan() {
  std::vector<Part> parts;
  for (const auto& [id, count] : scheduler_.plan()) {
    SequenceTask& task = *tasks_.at(id);
    const auto begin = static_cast<std::size_t>(task.computed);
    const auto tokens = std::span<const Token>(task.tokens).subspan(begin, static_cast<std::size_t>(count));
    std::vector<std::int32_t> outputs;
    if (task.pool)
      outputs = task.pool->wanted(task.computed, count);
    else if (task.scores)  // the last token has none behind it
      outputs.resize(std::min(tokens.size(), task.tokens.size() - 1 - begin));
    else if (begin + tokens.size() == task.tokens.size())
      outputs = {count - 1};
    if (task.scores) std::iota(outputs.begin(), outputs.end(), 0);
    parts.push_back({id, &task, count, std::move(outputs), {*task.sequence, tokens, {}}});
  }
  for (auto& part : parts) part.input.outputs = part.outputs;
  return parts;
}

void InferenceLoop::step() {
  for (;;) {
    auto parts = plan();
    if (parts.empty() || evaluate(parts)) return;
  }
}

bool InferenceLoop::evaluate(std::span<Part> parts) {
  std::vector<StepInput> inputs;
  bool want_hidden = false;
  StepReport report;
  for (const auto& part : parts) {
    inputs.push_back(part.input);
    want_hidden |= part.task->pool.has_value();
    (part.task->generated > 0 && part.tokens == 1 ? report.decoded_tokens : report.prompt_tokens) += part.tokens;
  }
  report.sequences = static_cast<int>(inputs.size());
  const auto begin = ServingClock::now();
  const auto output = engine_.step(inputs, want_hidden);
  if (output) {
    report.seconds = std::chrono::duration<double>(ServingClock::now() - begin).count();
    for (auto* observer : observers_) observer->on_step(report);
    hand_out(parts, *output);
    return true;
  }
  switch (output.error().code) {
    case ErrorCode::kCancelled: return true;  // the service is being stopped
    case ErrorCode::kResourceExhausted:
      if (make_room()) return false;
      break;
    default: break;
  }
  // Whoever is to blame fails alone.
  if (parts.size() == 1) {
    fail_task(*parts.front().task, output.error());
    return true;
  }
  for (auto& part : parts)
    if (find_task(part.id) != nullptr && !evaluate({&part, 1})) break;
  return true;
}

bool InferenceLoop::make_room() {
  if (const auto evicted = cache_.evict()) {
    close_sequence(*evicted);
    return true;
  }
  const TaskId preempted = scheduler_.preempt();
  if (preempted == 0) return false;
  SequenceTask& task = *tasks_.at(preempted);
  close_sequence(*std::exchange(task.sequence, std::nullopt));
  task.computed = 0;
  if (task.pool) task.pool.emplace(task.pool->restarted());
  if (task.scores) task.scores->clear();
  return true;
}

void InferenceLoop::close_sequence(SequenceId sequence) {
  engine_.close_sequence(sequence);
  ledger_.close(sequence);
}

void InferenceLoop::publish_state() {
  bool idle = false;
  {
    const std::scoped_lock lock(mutex_);
    state_.running = scheduler_.running();
    state_.waiting = scheduler_.waiting();
    state_.kv_tokens = ledger_.cells();
    state_.cached_tokens = state_.kv_tokens - needed_cells();
    idle = tasks_.empty() && inbox_.empty();
  }
  if (idle) idle_.notify_all();
}

void InferenceLoop::fail_everything() {
  std::vector<std::unique_ptr<SequenceTask>> rest;
  {
    const std::scoped_lock lock(mutex_);
    rest.swap(inbox_);
  }
  for (auto& task : rest) enqueue(std::move(task));
  const Error stopping{ErrorCode::kUnavailable, "the server was stopped"};
  while (!tasks_.empty()) fail_task(*tasks_.begin()->second, stopping);
}

}  // namespace hyprstream
