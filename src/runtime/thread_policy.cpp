#include "runtime/thread_policy.hpp"

#include <algorithm>
#include <cmath>

namespace hyprstream {
namespace {

// Waiting time as a share of the window, summed over the threads: a busy neighbour on one core
// makes 0.3 to 0.5, an idle machine stays below 0.02.
constexpr double kContendedShare = 0.2;
constexpr double kQuietShare = 0.1;
constexpr int kWindowsToBelieve = 2;
constexpr double kLongestRetrySeconds = 10;
// How long more threads must stay quiet before they count as a success.
constexpr double kProofSeconds = 0.5;

}  // namespace

int ThreadPolicy::update(double seconds, double waited_seconds) noexcept {
  const double share = seconds > 0 ? waited_seconds / seconds : 0;
  if (share > kContendedShare) {
    // One bad window is any daemon's wake-up, unless more threads are on trial.
    if (!trying_ && ++contended_windows_ < kWindowsToBelieve) return threads_;
    contended_windows_ = 0;
    if (trying_) retry_after_seconds_ = std::min(retry_after_seconds_ * 2, kLongestRetrySeconds);
    trying_ = false;
    quiet_seconds_ = 0;
    const int lost_cores = static_cast<int>(std::ceil(std::min(share, static_cast<double>(threads_))));
    threads_ = std::max(1, threads_ - lost_cores);
    return threads_;
  }
  contended_windows_ = 0;
  if (share > kQuietShare) {
    quiet_seconds_ = 0;
    return threads_;
  }
  quiet_seconds_ += seconds;
  if (trying_ && quiet_seconds_ >= kProofSeconds) {
    trying_ = false;
    retry_after_seconds_ = kFirstRetrySeconds;
  }
  if (threads_ < most_ && !trying_ && quiet_seconds_ >= retry_after_seconds_) {
    threads_ = std::min(most_, threads_ * 2);
    trying_ = true;
    quiet_seconds_ = 0;
  }
  return threads_;
}

}  // namespace hyprstream
