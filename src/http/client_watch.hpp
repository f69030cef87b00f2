// Asks requests to stop whose clients have gone. Internal to http.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <list>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>

namespace hyprstream {

// Thread-safe.
class ClientWatch {
 public:
  ClientWatch() : thread_([this](const std::stop_token& stop) { run(stop); }) {}

  // One request, for as long as this lives.
  class Entry {
   public:
    Entry(ClientWatch& watch, std::function<bool()> is_gone) : watch_(watch), is_gone_(std::move(is_gone)) {
      const std::scoped_lock lock(watch_.mutex_);
      at_ = watch_.entries_.insert(watch_.entries_.end(), this);
    }
    ~Entry() {
      const std::scoped_lock lock(watch_.mutex_);
      watch_.entries_.erase(at_);
    }
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

    std::stop_token token() const { return source_.get_token(); }
    void look() {
      if (!source_.stop_requested() && is_gone_()) source_.request_stop();
    }

   private:
    ClientWatch& watch_;
    std::function<bool()> is_gone_;
    std::stop_source source_;
    std::list<Entry*>::iterator at_;
  };

 private:
  static constexpr std::chrono::milliseconds kInterval{50};

  void run(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!wake_.wait_for(lock, stop, kInterval, [&] { return stop.stop_requested(); }))
      for (Entry* entry : entries_) entry->look();
  }

  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::list<Entry*> entries_;
  std::jthread thread_;
};

}  // namespace hyprstream
