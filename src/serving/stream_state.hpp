// What the inference thread and a stream's reader share. Internal to serving.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <vector>

#include "serving/generation_stream.hpp"

namespace hyprstream {

// Thread-safe. Holds at most the text of its choices, however slowly it is read.
class StreamState {
 public:
  // `choices`: of all requests together.
  explicit StreamState(int choices, int requests = 1)
      : choices_(static_cast<std::size_t>(choices)), open_requests_(requests) {}

  // ---- The inference thread ----
  void push(GenerationDelta delta);
  void end_choice(const ChoiceEnd& end);
  // The end of one request. After the last one, or the first failure, nothing more is handed out.
  void finish(const GenerationEnd& end);
  void finish(GenerationFailure failure);
  bool cancelled() const noexcept { return cancelled_.load(std::memory_order_relaxed); }

  // ---- The reader ----
  std::optional<GenerationEvent> next(std::optional<std::chrono::milliseconds> timeout);
  void cancel() noexcept { cancelled_.store(true, std::memory_order_relaxed); }

 private:
  struct Choice {
    std::optional<GenerationDelta> delta;
    std::optional<ChoiceEnd> end;
    bool queued = false;
  };

  std::optional<GenerationEvent> take();
  void announce(int choice);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Choice> choices_;
  std::deque<int> ready_;  // choices with something new, each once
  int open_requests_;
  RequestUsage usage_;  // of the requests that have ended
  std::optional<GenerationEvent> last_;
  std::atomic<bool> cancelled_ = false;
};

}  // namespace hyprstream
