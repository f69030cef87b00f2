// How long to wait before a request is made again.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace hyprstream {

// Not thread-safe.
class Backoff {
 public:
  using Milliseconds = std::chrono::milliseconds;

  struct Options {
    int attempts = 6;                     // failures in a row after which there is no next time
    Milliseconds first{500};              // doubled each time
    Milliseconds longest{30'000};         // of our own waits
    Milliseconds longest_asked{300'000};  // of waits that a server asks for; past this it is no use to wait
  };

  Backoff() : Backoff(Options{}) {}
  explicit Backoff(Options options) : options_(options) {}

  // After a failure: how long to wait, or nothing if it is time to give up. `asked`: the server's Retry-After.
  // A quarter either way is random, so that many clients do not come back at once.
  std::optional<Milliseconds> next(std::optional<Milliseconds> asked = {});

  // There was progress: the count begins anew.
  void reset() noexcept { failures_ = 0; }

 private:
  Options options_;
  int failures_ = 0;
};

// A Retry-After header (RFC 9110, 10.2.3): seconds, or a date. Nothing if it is neither; 0 for the past.
std::optional<Backoff::Milliseconds> parse_retry_after(std::string_view text,
                                                       std::chrono::system_clock::time_point now);

}  // namespace hyprstream
