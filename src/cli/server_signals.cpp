#include "cli/server_signals.hpp"

#include <ctime>
#include <initializer_list>

namespace hyprstream {

ServerSignals::ServerSignals() {
  sigemptyset(&set_);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set_, signal);
  pthread_sigmask(SIG_BLOCK, &set_, &previous_);
}

ServerSignals::~ServerSignals() { pthread_sigmask(SIG_SETMASK, &previous_, nullptr); }

ServerSignal ServerSignals::wait() const {
  int signal = 0;
  sigwait(&set_, &signal);
  return signal == SIGHUP ? ServerSignal::kReload : ServerSignal::kStop;
}

bool ServerSignals::stop_came() const {
  const timespec now{};
  for (;;) {
    const int signal = sigtimedwait(&set_, nullptr, &now);
    if (signal <= 0) return false;
    if (signal != SIGHUP) return true;
  }
}

}  // namespace hyprstream
