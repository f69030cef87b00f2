// The inference thread: the one that drives the engine. Internal to serving.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "serving/inference_service.hpp"
#include "serving/kv_ledger.hpp"
#include "serving/prefix_cache.hpp"
#include "serving/scheduler.hpp"
#include "serving/task.hpp"

namespace hyprstream {

// Each turn it takes in what was submitted, drops what was cancelled, lets tasks in, evaluates one step for all that
// run, and hands out what came of it. submit(), state() and the drain are thread-safe; everything else belongs to
// the thread.
class InferenceLoop {
 public:
  // The engine and the observers must outlive it.
  InferenceLoop(LoraEngine& engine, const InferenceOptions& options, std::vector<ServingObserver*> observers);
  ~InferenceLoop() { stop(); }
  // At once: what is in flight fails with kUnavailable, and so does what comes.
  void stop();

  // Errors: kResourceExhausted (the queue is full), kUnavailable (draining).
  Result<void> submit(std::unique_ptr<SequenceTask> task);

  // Prefixes that were computed with the adapter go in the next turn, and those of texts that run with it are not kept.
  void forget_adapter(std::shared_ptr<const LoraAdapter> adapter);

  ServiceState state() const;
  void begin_drain() noexcept;
  bool wait_until_idle(std::chrono::milliseconds timeout);

 private:
  using Tasks = std::map<TaskId, std::unique_ptr<SequenceTask>>;

  // One task's part of a step, with what its spans point to.
  struct Part {
    TaskId id;
    SequenceTask* task;  // good as long as find_task() knows the id
    int tokens;
    std::vector<std::int32_t> outputs;
    StepInput input;
  };

  SequenceTask* find_task(TaskId id) const;  // nullptr: it has ended

  void run();
  bool collect();  // waits for work; false: stop
  void enqueue(std::unique_ptr<SequenceTask> task);
  void retire(std::shared_ptr<const LoraAdapter> adapter);
  bool is_retired(const AdapterList& adapters);
  void drop_cancelled();
  void admit();
  void start(SequenceTask& task);
  // Puts the task into a sequence, which begins with what is there of its tokens already.
  Result<void> give_sequence(SequenceTask& task);
  Result<SequenceId> open_sequence(std::optional<SequenceId> keep = {});
  bool evict_one(std::optional<SequenceId> keep);
  std::optional<PrefixMatch> find_prefix(const SequenceTask& task);
  // The task has these tokens already.
  void skip_prefix(SequenceTask& task, int length);
  void step();
  std::vector<Part> plan();
  // False: the parts do not fit into the KV cache, and room was made; plan anew.
  bool evaluate(std::span<Part> parts);
  void hand_out(std::span<Part> parts, const StepOutput& output);
  bool make_room();

  void add_to_pool(SequenceTask& task, std::span<const std::span<const float>> hidden);
  void add_scores(SequenceTask& task, int begin, std::span<const std::span<const float>> logits);
  void take_logits(SequenceTask& task, std::span<const float> logits);
  void note_token_time(SequenceTask& task);
  // Why the text ends with this token, if it does.
  std::optional<FinishReason> take_token(SequenceTask& task, Token token, std::span<const float> logits);
  void release_siblings(RequestTask& request);

  // These end a task: the reference is not good any more.
  void end_choice(SequenceTask& task, FinishReason reason);
  void end_reading(SequenceTask& task, Result<std::vector<float>> result);
  void fail_task(SequenceTask& task, const Error& error);
  void fail_request(const std::shared_ptr<RequestTask>& request, const Error& error);
  void end_request(RequestTask& request, RequestOutcome outcome);
  void forget(SequenceTask& task, bool keep_prefix);
  void close_sequence(SequenceId sequence);
  int needed_cells() const;
  void publish_state();
  void fail_everything();

  LoraEngine& engine_;
  const InferenceOptions options_;
  const bool shared_cells_;  // KvCacheLayout::kShared
  const std::vector<ServingObserver*> observers_;
  Scheduler scheduler_;
  PrefixCache cache_;
  KvLedger ledger_;
  Tasks tasks_;
  TaskId last_id_ = 0;
  std::vector<std::weak_ptr<const LoraAdapter>> retired_;  // forgotten, and texts that run may have them still

  mutable std::mutex mutex_;
  std::condition_variable work_;
  std::condition_variable idle_;
  std::vector<std::unique_ptr<SequenceTask>> inbox_;
  std::vector<std::shared_ptr<const LoraAdapter>> to_retire_;
  ServiceState state_;
  bool draining_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace hyprstream
