// Random weights, made directly in a tensor's own format.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "gguf/tensor_type.hpp"

namespace hyprstream {

// Sebastiano Vigna's SplitMix64 (https://prng.di.unimi.it/splitmix64.c). Not thread-safe.
class SplitMix64 {
 public:
  explicit SplitMix64(std::uint64_t seed) noexcept : state_(seed) {}

  std::uint64_t next() noexcept {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  }
  // In [-1, 1).
  float uniform() noexcept { return static_cast<float>(next() >> 40) / static_cast<float>(1 << 23) - 1.0F; }

 private:
  std::uint64_t state_;
};

// Whether random_weights() can make this type.
bool can_be_random(TensorType type) noexcept;

// Appends at least one block and at most about `bytes` bytes, whole blocks only, of weights with
// mean near 0 and this standard deviation. `type` must be one that can_be_random() accepts.
void append_random_weights(TensorType type, float deviation, std::size_t bytes, SplitMix64& random,
                           std::vector<std::byte>& out);

}  // namespace hyprstream
