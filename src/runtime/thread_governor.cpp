#include "runtime/thread_governor.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <format>
#include <fstream>
#include <optional>
#include <span>
#include <string>
#include <system_error>

namespace hyprstream {
namespace {

using std::chrono::nanoseconds;

// Long enough that one wake-up of a daemon does not look like contention.
constexpr std::chrono::milliseconds kWindow{50};

// How often it is looked which threads there are: a server has hundreds that do not compute.
constexpr std::chrono::seconds kLookAgain{1};

std::string name_in(const std::filesystem::path& task) {
  std::ifstream file(task / "comm");
  std::string name;
  std::getline(file, name);
  return name;
}

// The threads that compute: this one and those that libgomp has made for it, which have inherited its name.
std::vector<int> threads_of_same_name() {
  std::vector<int> ids;
  const std::string name = name_in("/proc/thread-self");
  std::error_code error;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task", error)) {
    const std::string text = task.path().filename();
    int id = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), id).ec != std::errc()) continue;
    if (name_in(task.path()) == name) ids.push_back(id);
  }
  return ids;
}

// How long these threads have waited on run queues so far: the second field of
// schedstat (https://docs.kernel.org/scheduler/sched-stats.html).
std::optional<nanoseconds> run_queue_wait(std::span<const int> threads) {
  long long total = 0;
  bool any = false;
  for (const int id : threads) {
    std::ifstream file(std::format("/proc/self/task/{}/schedstat", id));
    long long on_cpu = 0;
    long long waited = 0;
    if (file >> on_cpu >> waited) total += waited, any = true;
  }
  if (!any) return std::nullopt;
  return nanoseconds(total);
}

}  // namespace

ThreadGovernor::ThreadGovernor(int threads, bool adaptive) : policy_(threads), adaptive_(adaptive && threads > 1) {}

int ThreadGovernor::begin_step() {
  step_start_ = Clock::now();
  // Between windows nothing is read: the wait of a window's idle gaps is small, and a read of
  // every thread's file before each step would not be.
  if (adaptive_ && stepping_ == Clock::duration{}) begin_window();
  return policy_.threads();
}

void ThreadGovernor::begin_window() {
  if (step_start_ - looked_ >= kLookAgain || threads_.empty()) {
    threads_ = threads_of_same_name();
    // Until the first step has run, libgomp's threads are not there: look again soon.
    if (std::ssize(threads_) >= policy_.threads()) looked_ = step_start_;
  }
  const auto waited = run_queue_wait(threads_);
  if (!waited) adaptive_ = false;
  waited_before_window_ = waited.value_or(nanoseconds{});
}

void ThreadGovernor::end_step() {
  if (!adaptive_) return;
  stepping_ += Clock::now() - step_start_;
  if (stepping_ < kWindow) return;
  const auto waited = run_queue_wait(threads_).value_or(waited_before_window_) - waited_before_window_;
  policy_.update(std::chrono::duration<double>(stepping_).count(), std::chrono::duration<double>(waited).count());
  stepping_ = {};
}

}  // namespace hyprstream
