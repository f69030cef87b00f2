// The policy on made-up traces.
#include "serving/scheduler.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

namespace hyprstream {
namespace {

// Runs tasks through the scheduler with a cache that counts tokens; time is the number of steps.
class Trace {
 public:
  explicit Trace(const SchedulerLimits& limits) : limits_(limits), scheduler_(limits) {}

  TaskId arrive(const FlowKey& flow, int prompt, int answer) {
    const TaskId id = ++last_;
    tasks_[id] = {.prompt = prompt, .answer = answer};
    scheduler_.enqueue({.id = id, .flow = flow, .tokens = prompt});
    return id;
  }

  void step() {
    ++now_;
    for (const TaskId id : scheduler_.admit(held())) tasks_[id].running = true;
    auto plan = scheduler_.plan();
    while (held() + tokens_of(plan) > limits_.kv_cells) {
      const TaskId out = scheduler_.preempt();
      ASSERT_NE(out, 0U) << "a task that fits alone must not be stuck";
      tasks_[out].running = false;
      tasks_[out].held = 0;
      ++preemptions_;
      plan = scheduler_.plan();
    }
    int prompt_tokens = 0;
    bool decodes = false;
    for (const auto& [id, tokens] : plan) {
      Task& task = tasks_[id];
      const bool decoding = task.done > 0 && task.held + tokens == task.prompt + task.done && tokens == 1;
      decodes |= decoding;
      if (!decoding) prompt_tokens += tokens;
      task.held += tokens;
      ASSERT_LE(task.held, task.prompt + task.done);
      scheduler_.computed(id, tokens);
      if (task.held < task.prompt + task.done) continue;
      if (task.done == 0) task.first_token = now_;
      if (++task.done < task.answer) continue;
      task.end = now_;
      task.held = 0;
      task.running = false;
      scheduler_.remove(id);
    }
    EXPECT_LE(tokens_of(plan), limits_.step_tokens);
    if (decodes) {
      EXPECT_LE(prompt_tokens, limits_.busy_prefill);
    }
    EXPECT_LE(scheduler_.running(), limits_.slots);
  }

  void run_to_end(int most_steps) {
    for (int i = 0; i < most_steps && scheduler_.running() + scheduler_.waiting() > 0; ++i) step();
    EXPECT_EQ(scheduler_.running() + scheduler_.waiting(), 0);
  }

  int first_token(TaskId id) { return tasks_[id].first_token; }
  int end(TaskId id) { return tasks_[id].end; }
  int done(TaskId id) { return tasks_[id].done; }
  int preemptions() const { return preemptions_; }
  Scheduler& scheduler() { return scheduler_; }

 private:
  struct Task {
    int prompt = 0;
    int answer = 0;
    int held = 0;
    int done = 0;
    int first_token = 0;
    int end = 0;
    bool running = false;
  };

  int held() const {
    int cells = 0;
    for (const auto& [id, task] : tasks_) cells += task.held;
    return cells;
  }
  static int tokens_of(const std::vector<StepShare>& plan) {
    int tokens = 0;
    for (const auto& share : plan) tokens += share.tokens;
    return tokens;
  }

  SchedulerLimits limits_;
  Scheduler scheduler_;
  std::map<TaskId, Task> tasks_;
  TaskId last_ = 0;
  int now_ = 0;
  int preemptions_ = 0;
};

TEST(Scheduler, DecodesEveryRunningTaskInEveryStep) {
  Trace trace({.slots = 4, .kv_cells = 4096, .step_tokens = 512, .busy_prefill = 128});
  std::vector<TaskId> ids;
  for (int i = 0; i < 4; ++i) ids.push_back(trace.arrive({"", ""}, 20, 10));
  for (int i = 0; i < 10; ++i) trace.step();
  for (const TaskId id : ids) {
    EXPECT_EQ(trace.first_token(id), 1);
    EXPECT_EQ(trace.end(id), 10);
  }
}

TEST(Scheduler, ALongPromptDoesNotStopRunningTexts) {
  Trace trace({.slots = 4, .kv_cells = 8192, .step_tokens = 512, .busy_prefill = 128});
  const TaskId running = trace.arrive({"", ""}, 10, 40);
  trace.step();
  const TaskId longer = trace.arrive({"", ""}, 3000, 1);
  for (int i = 0; i < 39; ++i) trace.step();
  EXPECT_EQ(trace.end(running), 40);
  EXPECT_EQ(trace.first_token(longer), 1 + (3000 + 127) / 128);
}

TEST(Scheduler, AShortPromptDoesNotWaitForALongOne) {
  Trace trace({.slots = 4, .kv_cells = 8192, .step_tokens = 512, .busy_prefill = 256});
  const TaskId longer = trace.arrive({"", ""}, 4000, 1);
  const TaskId shorter = trace.arrive({"", ""}, 50, 1);
  trace.run_to_end(100);
  EXPECT_EQ(trace.first_token(shorter), 1);
  EXPECT_LE(trace.first_token(longer), 9);
}

TEST(Scheduler, ALongPromptIsNotStarvedByShortOnes) {
  Trace trace({.slots = 4, .kv_cells = 16384, .step_tokens = 512, .busy_prefill = 256});
  const TaskId longer = trace.arrive({"", ""}, 4096, 1);
  for (int i = 0; i < 60; ++i) {
    for (int k = 0; k < 3; ++k) trace.arrive({"", ""}, 400, 2);
    trace.step();
  }
  // At least half of each step is its own.
  EXPECT_GT(trace.first_token(longer), 0);
  EXPECT_LE(trace.first_token(longer), 4096 / 128 + 1);
}

TEST(Scheduler, PreemptsTheYoungestAndLosesNothing) {
  Trace trace({.slots = 4, .kv_cells = 300, .step_tokens = 512, .busy_prefill = 256});
  std::vector<TaskId> ids;
  for (int i = 0; i < 4; ++i) ids.push_back(trace.arrive({"", ""}, 40, 120));
  trace.run_to_end(2000);
  EXPECT_GT(trace.preemptions(), 0);
  for (const TaskId id : ids) EXPECT_EQ(trace.done(id), 120);
  EXPECT_LT(trace.end(ids[0]), trace.end(ids[3]));
}

TEST(Scheduler, DoesNotLetInWhatDoesNotFit) {
  Scheduler scheduler({.slots = 4, .kv_cells = 1000, .step_tokens = 512, .busy_prefill = 256});
  scheduler.enqueue({.id = 1, .flow = {}, .tokens = 700});
  scheduler.enqueue({.id = 2, .flow = {}, .tokens = 700});
  EXPECT_EQ(scheduler.admit(0), std::vector<TaskId>{1});
  EXPECT_TRUE(scheduler.admit(0).empty());
  EXPECT_TRUE(scheduler.admit(512).empty());
  scheduler.remove(1);
  EXPECT_EQ(scheduler.admit(0), std::vector<TaskId>{2});
}

TEST(Scheduler, AFullPromptThatIsAlreadyThereIsSkipped) {
  Scheduler scheduler({.slots = 1, .kv_cells = 1000, .step_tokens = 512, .busy_prefill = 256});
  scheduler.enqueue({.id = 1, .flow = {}, .tokens = 100});
  scheduler.admit(0);
  scheduler.skip(1, 99);
  const auto plan = scheduler.plan();
  ASSERT_EQ(plan.size(), 1U);
  EXPECT_EQ(plan[0].tokens, 1);
}

TEST(Scheduler, LimitsTheRowsOfAnEmbedding) {
  Scheduler scheduler({.slots = 1, .kv_cells = 1000, .step_tokens = 512, .busy_prefill = 256});
  scheduler.enqueue({.id = 1, .flow = {}, .tokens = 100, .most_per_step = 64});
  scheduler.admit(0);
  EXPECT_EQ(scheduler.plan().at(0).tokens, 64);
  scheduler.computed(1, 64);
  EXPECT_EQ(scheduler.plan().at(0).tokens, 36);
}

// Two clients, one of which keeps ten times as many requests waiting: both get half of the service.
TEST(Scheduler, SharesSlotsBetweenClients) {
  Trace trace({.slots = 4, .kv_cells = 8192, .step_tokens = 512, .busy_prefill = 256});
  std::vector<TaskId> busy;
  std::vector<TaskId> calm;
  for (int i = 0; i < 100; ++i) busy.push_back(trace.arrive({"busy", ""}, 30, 20));
  for (int i = 0; i < 10; ++i) calm.push_back(trace.arrive({"calm", ""}, 30, 20));
  for (int i = 0; i < 110; ++i) trace.step();
  const auto finished = [&](const std::vector<TaskId>& ids) {
    return std::ranges::count_if(ids, [&](TaskId id) { return trace.end(id) > 0; });
  };
  EXPECT_EQ(finished(calm), 10);
  EXPECT_GE(finished(busy), 8);
}

TEST(Scheduler, RandomTracesEndWithEveryTokenMade) {
  for (unsigned seed = 0; seed < 40; ++seed) {
    std::mt19937 random(seed);
    const auto pick = [&](int least, int most) {
      return least + static_cast<int>(random() % static_cast<unsigned>(most - least + 1));
    };
    Trace trace({.slots = pick(1, 8), .kv_cells = pick(600, 3000), .step_tokens = 512, .busy_prefill = pick(16, 256)});
    std::map<TaskId, int> wanted;
    for (int i = 0; i < 60; ++i) {
      const int answer = pick(1, 150);
      const auto flow = FlowKey{std::to_string(pick(0, 3)), std::to_string(pick(0, 3))};
      wanted[trace.arrive(flow, pick(1, 400), answer)] = answer;
      if (pick(0, 1) == 1) trace.step();
    }
    trace.run_to_end(20000);
    for (const auto& [id, answer] : wanted) ASSERT_EQ(trace.done(id), answer) << "seed " << seed;
  }
}

}  // namespace
}  // namespace hyprstream
