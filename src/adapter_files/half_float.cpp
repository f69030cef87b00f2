#include "adapter_files/half_float.hpp"

#include <bit>
#include <cmath>
#include <cstring>
#include <format>

namespace hyprstream {

float half_to_float(std::uint16_t bits) noexcept {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000U) << 16;
  const std::uint32_t exponent = (bits >> 10) & 0x1fU;
  const std::uint32_t fraction = bits & 0x3ffU;
  if (exponent == 0) {
    // Zero and subnormal numbers: fraction * 2^-24.
    const float value = std::ldexp(static_cast<float>(fraction), -24);
    return sign != 0 ? -value : value;
  }
  const std::uint32_t wide = exponent == 0x1f ? 0xffU : exponent + 127 - 15;
  return std::bit_cast<float>(sign | (wide << 23) | (fraction << 13));
}

float bfloat16_to_float(std::uint16_t bits) noexcept {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

Result<std::vector<float>> floats_of(TensorType type, std::span<const std::byte> bytes) {
  if (type != TensorType::kF32 && type != TensorType::kF16 && type != TensorType::kBF16)
    return fail(ErrorCode::kUnsupported,
                std::format("{} values are not supported: convert them to F32, F16 or BF16", tensor_type_name(type)));
  const std::size_t width = type == TensorType::kF32 ? sizeof(float) : sizeof(std::uint16_t);
  if (bytes.size() % width != 0)
    return fail(ErrorCode::kCorrupt,
                std::format("{} bytes are no whole number of {} values", bytes.size(), tensor_type_name(type)));
  std::vector<float> values(bytes.size() / width);
  if (type == TensorType::kF32) {
    if (!values.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::uint16_t bits = 0;
    std::memcpy(&bits, bytes.data() + i * width, width);
    values[i] = type == TensorType::kF16 ? half_to_float(bits) : bfloat16_to_float(bits);
  }
  return values;
}

}  // namespace hyprstream
