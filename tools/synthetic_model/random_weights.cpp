#include "synthetic_model/random_weights.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

namespace hyprstream {
namespace {

const float kUniformDeviation = 1.0F / std::sqrt(3.0F);  // of uniform()
constexpr float kNibbleDeviation = 4.6098F;              // of 0..15
constexpr float kByteDeviation = 73.9F;                  // of -128..127

std::uint16_t to_half(float value) noexcept { return std::bit_cast<std::uint16_t>(static_cast<_Float16>(value)); }

template <typename T>
void store(std::byte* to, T value) noexcept {
  std::memcpy(to, &value, sizeof value);
}

// A block's scale varies, so that code which takes a neighbour's scale is found out.
// In [-1, 1).
float symmetric(SplitMix64& random) noexcept {
  return static_cast<float>(random.next() >> 40) / static_cast<float>(1 << 23) - 1.0F;
}

float varied(float scale, SplitMix64& random) noexcept { return scale * (1.0F + 0.25F * symmetric(random)); }

void make_block(TensorType type, float deviation, SplitMix64& random, std::byte* to) noexcept {
  switch (type) {
    case TensorType::kF32: store(to, symmetric(random) * deviation / kUniformDeviation); break;
    case TensorType::kF16: store(to, to_half(symmetric(random) * deviation / kUniformDeviation)); break;
    case TensorType::kBF16:
      store(to, static_cast<std::uint16_t>(
                    std::bit_cast<std::uint32_t>(symmetric(random) * deviation / kUniformDeviation) >> 16));
      break;
    case TensorType::kQ4_0:  // a half-precision scale, then 32 nibbles; weight = scale * (nibble - 8)
      store(to, to_half(varied(deviation / kNibbleDeviation, random)));
      for (std::size_t i = 0; i < 16; i += 8) store(to + 2 + i, random.next());
      break;
    case TensorType::kQ8_0:  // a half-precision scale, then 32 signed bytes
      store(to, to_half(varied(deviation / kByteDeviation, random)));
      for (std::size_t i = 0; i < 32; i += 8) store(to + 2 + i, random.next());
      break;
    default: break;
  }
}

}  // namespace

bool can_be_random(TensorType type) noexcept {
  constexpr std::array kTypes = {TensorType::kF32, TensorType::kF16, TensorType::kBF16, TensorType::kQ4_0,
                                 TensorType::kQ8_0};
  return std::ranges::find(kTypes, type) != kTypes.end();
}

void append_random_weights(TensorType type, float deviation, std::size_t bytes, SplitMix64& random,
                           std::vector<std::byte>& out) {
  const std::size_t block = block_bytes(type);
  const std::size_t blocks = std::max<std::size_t>(1, bytes / block);
  const std::size_t begin = out.size();
  out.resize(begin + blocks * block);
  for (std::size_t i = 0; i < blocks; ++i) make_block(type, deviation, random, out.data() + begin + i * block);
}

}  // namespace hyprstream
