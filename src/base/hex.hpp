// Bytes as hexadecimal digits.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace hyprstream {

// Two lower-case digits per byte.
std::string to_hex(std::span<const std::byte> bytes);

// Whether the text is that many hexadecimal digits, all of them lower-case.
bool is_lower_hex(std::string_view text, std::size_t digits) noexcept;

}  // namespace hyprstream
