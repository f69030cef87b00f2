#include "serving/generation_stream.hpp"

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

void StreamState::finish(GenerationEvent last) {
  {
    const std::scoped_lock lock(mutex_);
    if (last_) return;
    last_ = std::move(last);
  }
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
