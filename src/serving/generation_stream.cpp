#include "serving/generation_stream.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "serving/stream_state.hpp"

namespace hyprstream {

void StreamState::announce(int choice) {
  auto& entry = choices_[static_cast<std::size_t>(choice)];
  if (!std::exchange(entry.queued, true)) ready_.push_back(choice);
}

void StreamState::push(GenerationDelta delta) {
  {
    const std::scoped_lock lock(mutex_);
    if (last_) return;
    const int choice = delta.choice;
    auto& unread = choices_[static_cast<std::size_t>(choice)].delta;
    if (!unread) {
      unread = std::move(delta);
    } else {
      unread->text += delta.text;
      unread->tokens.insert(unread->tokens.end(), delta.tokens.begin(), delta.tokens.end());
      std::ranges::move(delta.scores, std::back_inserter(unread->scores));
    }
    announce(choice);
  }
  changed_.notify_one();
}

void StreamState::end_choice(const ChoiceEnd& end) {
  {
    const std::scoped_lock lock(mutex_);
    if (last_) return;
    choices_[static_cast<std::size_t>(end.choice)].end = end;
    announce(end.choice);
  }
  changed_.notify_one();
}

void StreamState::finish(const GenerationEnd& end) {
  {
    const std::scoped_lock lock(mutex_);
    usage_ += end.usage;
    if (--open_requests_ > 0 || last_) return;
    last_ = GenerationEnd{usage_};
  }
  changed_.notify_one();
}

void StreamState::finish(GenerationFailure failure) {
  {
    const std::scoped_lock lock(mutex_);
    if (last_) return;
    last_ = std::move(failure);
  }
  cancel();  // the requests beside it
  changed_.notify_one();
}

// With the mutex held.
std::optional<GenerationEvent> StreamState::take() {
  if (ready_.empty()) return last_;
  const int index = ready_.front();
  auto& choice = choices_[static_cast<std::size_t>(index)];
  if (choice.delta) {
    GenerationEvent event = *std::exchange(choice.delta, std::nullopt);
    if (!choice.end) {
      ready_.pop_front();
      choice.queued = false;
    }
    return event;
  }
  ready_.pop_front();
  choice.queued = false;
  return *std::exchange(choice.end, std::nullopt);
}

std::optional<GenerationEvent> StreamState::next(std::optional<std::chrono::milliseconds> timeout) {
  std::unique_lock lock(mutex_);
  const auto something = [&] { return !ready_.empty() || last_; };
  if (!timeout)
    changed_.wait(lock, something);
  else if (!changed_.wait_for(lock, *timeout, something))
    return std::nullopt;
  return take();
}

RequestUsage& RequestUsage::operator+=(const RequestUsage& other) noexcept {
  prompt_tokens += other.prompt_tokens;
  cached_tokens += other.cached_tokens;
  completion_tokens += other.completion_tokens;
  queue_seconds = std::max(queue_seconds, other.queue_seconds);
  prompt_seconds = std::max(prompt_seconds, other.prompt_seconds);
  first_token_seconds = std::max(first_token_seconds, other.first_token_seconds);
  generation_seconds = std::max(generation_seconds, other.generation_seconds);
  return *this;
}

GenerationStream::~GenerationStream() {
  if (state_ != nullptr) state_->cancel();
}

std::optional<GenerationEvent> GenerationStream::next(std::chrono::milliseconds timeout) {
  return state_->next(timeout);
}

GenerationEvent GenerationStream::next() { return *state_->next(std::nullopt); }

void GenerationStream::cancel() noexcept { state_->cancel(); }

void cancel_stream(const std::weak_ptr<StreamState>& state) noexcept {
  if (const auto shared = state.lock()) shared->cancel();
}

}  // namespace hyprstream
