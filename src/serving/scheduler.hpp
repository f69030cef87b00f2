// What the next step computes. Pure: no clock, no engine, no threads; tested on made-up traces.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "serving/fair_queue.hpp"

namespace hyprstream {

struct SchedulerLimits {
  int slots = 8;           // tasks running at once
  int kv_cells = 4096;     // tokens that the KV cache holds
  int step_tokens = 512;   // most tokens of one step
  int busy_prefill = 256;  // most prompt tokens of a step in which other tasks decode, so that they keep moving
};

// One text to generate, or to embed.
struct TaskInfo {
  TaskId id = 0;  // rising with arrival
  FlowKey flow;
  int tokens = 0;         // to prefill: of the prompt, and for a task that was preempted of its answer so far
  int most_per_step = 0;  // most of them in one step, 0: any number (an embedding's rows all cost logits)
};

// A task's part of a step.
struct StepShare {
  TaskId task = 0;
  int tokens = 0;  // the next ones of those that it holds
};

// Admits tasks to slots in FairQueue's order, strictly: who is first and does not fit is waited for, so that a long
// prompt is not overtaken for ever. In a step every decoding task has its one token; what is left goes to prompts.
// Half of that is the oldest prompt's, and the rest goes to the shortest first: short prompts do not wait for long
// ones, and long ones do not starve.
//
// Not thread-safe.
class Scheduler {
 public:
  explicit Scheduler(const SchedulerLimits& limits) : limits_(limits) {}

  void enqueue(const TaskInfo& task);
  // Before the others of its flow: another choice of a prompt that has just been prefilled.
  void enqueue_front(const TaskInfo& task);

  // The tasks that get a slot now; they are prefilled from the next plan() on. `kv_in_use`: cells that running tasks
  // hold. A task is let in if its tokens, and some room for every running one to go on, are free; or if it is alone.
  std::vector<TaskId> admit(int kv_in_use);
  // Of an admitted task, this many tokens need not be computed.
  void skip(TaskId task, int tokens);

  std::vector<StepShare> plan() const;
  // The step has computed a task's share. One that has no token left to compute decodes, and is given the one it
  // has sampled; an embedding is finished instead.
  void computed(TaskId task, int tokens);

  // The KV cache is full: takes the slot of the task that was admitted last and puts it back into the queue, with
  // all its tokens to prefill again. 0: fewer than two tasks run, and there is nothing to gain.
  TaskId preempt();

  // Finished, failed or cancelled, wherever it is.
  void remove(TaskId task);

  int running() const noexcept { return static_cast<int>(running_.size()); }
  int waiting() const noexcept { return static_cast<int>(queue_.size()); }

 private:
  struct Running {
    TaskInfo info;
    int pending = 0;  // tokens to compute
    int held = 0;     // tokens computed
    bool decoding = false;
  };

  Running* find(TaskId task) noexcept;

  SchedulerLimits limits_;
  FairQueue queue_;
  std::vector<TaskInfo> waiting_;  // by id
  std::vector<Running> running_;   // in the order of admission
};

}  // namespace hyprstream
