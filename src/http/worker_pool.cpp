#include "http/worker_pool.hpp"

#include <chrono>
#include <initializer_list>
#include <utility>

namespace hyprstream {
namespace {

constexpr std::chrono::seconds kPatience{10};

}  // namespace

void WorkerPool::run(std::function<void()> task) {
  std::list<std::thread> ended;
  {
    const std::scoped_lock lock(mutex_);
    if (finishing_) return;
    waiting_.push_back(std::move(task));
    if (idle_ < waiting_.size() && threads_.size() < most_) {
      const auto self = threads_.emplace(threads_.end());
      *self = std::thread([this, self] { work(self); });
    }
    ended.swap(ended_);
  }
  changed_.notify_one();
  for (auto& thread : ended) thread.join();
}

void WorkerPool::work(std::list<std::thread>::iterator self) {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    const bool woken = changed_.wait_for(lock, kPatience, [&] { return finishing_ || !waiting_.empty(); });
    --idle_;
    if (!waiting_.empty()) {
      const auto task = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      task();
      lock.lock();
    } else if (!woken && !finishing_) {
      // Whoever comes next joins it.
      ended_.splice(ended_.end(), threads_, self);
      return;
    } else {
      return;
    }
  }
}

void WorkerPool::finish() {
  {
    const std::scoped_lock lock(mutex_);
    finishing_ = true;
  }
  changed_.notify_all();
  // No thread is added or ends by itself from now on.
  for (auto* threads : {&threads_, &ended_})
    for (auto& thread : *threads)
      if (thread.joinable()) thread.join();
}

}  // namespace hyprstream
