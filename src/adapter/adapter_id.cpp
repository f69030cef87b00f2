#include <algorithm>
#include <array>
#include <format>
#include <random>

#include "adapter/lora_adapter.hpp"

namespace hyprstream {

std::string make_uuid() {
  std::random_device random;
  std::array<std::uint32_t, 4> bits{random(), random(), random(), random()};
  bits[1] = (bits[1] & 0xffff0fff) | 0x00004000;  // version 4
  bits[2] = (bits[2] & 0x3fffffff) | 0x80000000;  // variant of RFC 9562
  return std::format("{:08x}-{:04x}-{:04x}-{:04x}-{:04x}{:08x}", bits[0], bits[1] >> 16, bits[1] & 0xffff,
                     bits[2] >> 16, bits[2] & 0xffff, bits[3]);
}

bool is_uuid(std::string_view text) noexcept {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
    const char c = text[i];
    if (is_dash ? c != '-' : !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return false;
  }
  return true;
}

std::string default_adapter_name(std::string_view id) { return "LoRA-" + std::string(id.substr(0, 8)); }

}  // namespace hyprstream
