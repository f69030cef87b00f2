// The signals of a server, held back from every thread and waited for by one.
#pragma once

#include <signal.h>

#include <cstdint>

namespace hyprstream {

enum class ServerSignal : std::uint8_t {
  kStop,    // SIGINT, SIGTERM
  kReload,  // SIGHUP
};

// To be made before any other thread. One at a time.
class ServerSignals {
 public:
  ServerSignals();
  ~ServerSignals();
  ServerSignals(const ServerSignals&) = delete;
  ServerSignals& operator=(const ServerSignals&) = delete;

  ServerSignal wait() const;
  // Whether a signal to stop has come, without waiting for one.
  bool stop_came() const;

 private:
  sigset_t set_{};
  sigset_t previous_{};
};

}  // namespace hyprstream
