#include "serving/scheduler.hpp"

#include <algorithm>

namespace hyprstream {
namespace {

// A generated token costs about what two of a batched prompt do (Sheng et al. use the same weights).
constexpr double kPromptCost = 1;
constexpr double kAnswerCost = 2;

// Cells that are left free for each running task when another is let in.
constexpr int kRoomToGoOn = 16;

}  // namespace

void Scheduler::enqueue(const TaskInfo& task) {
  queue_.push(task.id, task.flow);
  waiting_.push_back(task);
}

void Scheduler::enqueue_front(const TaskInfo& task) {
  queue_.push_front(task.id, task.flow);
  waiting_.push_back(task);
}

std::vector<TaskId> Scheduler::admit(int kv_in_use) {
  std::vector<TaskId> admitted;
  while (running() < limits_.slots) {
    const auto next = queue_.peek();
    if (!next) break;
    const auto info = std::ranges::find(waiting_, *next, &TaskInfo::id);
    int wanted = kv_in_use + info->tokens + (running() + 1) * kRoomToGoOn;
    for (const auto& task : running_) wanted += task.pending;
    if (!running_.empty() && wanted > limits_.kv_cells) break;
    running_.push_back({.info = *info, .pending = info->tokens});
    queue_.pop();
    queue_.charge(info->flow, kPromptCost * info->tokens);
    waiting_.erase(info);
    admitted.push_back(*next);
  }
  return admitted;
}

void Scheduler::skip(TaskId task, int tokens) {
  Running* running = find(task);
  if (running == nullptr) return;
  running->pending -= tokens;
  running->held += tokens;
  queue_.charge(running->info.flow, -kPromptCost * tokens);
}

std::vector<StepShare> Scheduler::plan() const {
  std::vector<StepShare> shares;
  std::vector<const Running*> prompts;
  for (const auto& task : running_) {
    if (task.decoding)
      shares.push_back({task.info.id, 1});
    else
      prompts.push_back(&task);
  }
  if (prompts.empty()) return shares;
  int budget = limits_.step_tokens - static_cast<int>(shares.size());
  if (!shares.empty()) budget = std::min(budget, limits_.busy_prefill);

  const Running* oldest = prompts.front();
  std::ranges::stable_sort(prompts, {}, &Running::pending);
  const auto most = [](const Running& task) {
    return task.info.most_per_step > 0 ? std::min(task.pending, task.info.most_per_step) : task.pending;
  };
  int reserved = std::min(most(*oldest), (budget + 1) / 2);
  for (const Running* task : prompts) {
    const int available = task == oldest ? budget : budget - reserved;
    const int tokens = std::min(most(*task), available);
    if (task == oldest) reserved = 0;
    if (tokens <= 0) continue;
    shares.push_back({task->info.id, tokens});
    budget -= tokens;
  }
  return shares;
}

void Scheduler::computed(TaskId task, int tokens) {
  Running* running = find(task);
  if (running == nullptr) return;
  running->held += tokens;
  if (running->decoding) {
    queue_.charge(running->info.flow, kAnswerCost);
    return;
  }
  running->pending -= tokens;
  if (running->pending > 0) return;
  running->decoding = true;
  running->pending = 1;
}

TaskId Scheduler::preempt() {
  if (running_.size() < 2) return 0;
  const Running youngest = running_.back();
  running_.pop_back();
  TaskInfo again = youngest.info;
  again.tokens = youngest.held + youngest.pending;
  queue_.charge(again.flow, -kPromptCost * again.tokens);  // it is charged when it is let in again
  queue_.push_front(again.id, again.flow);
  queue_.release(again.flow);  // it was counted as running until now
  waiting_.push_back(again);
  return again.id;
}

void Scheduler::remove(TaskId task) {
  if (const auto info = std::ranges::find(waiting_, task, &TaskInfo::id); info != waiting_.end()) {
    queue_.remove(task);
    queue_.release(info->flow);
    waiting_.erase(info);
    return;
  }
  const auto running = std::ranges::find(running_, task, [](const Running& r) { return r.info.id; });
  if (running == running_.end()) return;
  queue_.release(running->info.flow);
  running_.erase(running);
}

Scheduler::Running* Scheduler::find(TaskId task) noexcept {
  const auto found = std::ranges::find(running_, task, [](const Running& r) { return r.info.id; });
  return found == running_.end() ? nullptr : &*found;
}

}  // namespace hyprstream
