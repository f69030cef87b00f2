// Random numbers that are the same for the same seed everywhere.
#pragma once

#include <cstdint>

namespace hyprstream {

// SplitMix64 (Steele, Lea and Flood 2014). The standard library's distributions differ between implementations, and
// a seed must mean the same adapter, or the same order of examples, on every machine. Not thread-safe.
class SplitMix64 {
 public:
  explicit SplitMix64(std::uint64_t seed) noexcept : state_(seed) {}

  std::uint64_t next() noexcept {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  // In (0, 1), never an end.
  double uniform() noexcept { return (static_cast<double>(next() >> 11) + 0.5) * 0x1p-53; }

  // From 0 to below `end`, which is at least 1; each equally likely.
  std::uint64_t below(std::uint64_t end) noexcept {
    // What is below the rest of 2^64 / end would make the first numbers likelier.
    const std::uint64_t rest = -end % end;
    for (;;)
      if (const std::uint64_t number = next(); number >= rest) return number % end;
  }

 private:
  std::uint64_t state_;
};

}  // namespace hyprstream
