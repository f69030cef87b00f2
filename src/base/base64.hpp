// Base64 (RFC 4648, section 4).
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace hyprstream {

// With padding.
std::string to_base64(std::span<const std::byte> bytes);

// The bytes of such a text, whose padding may be missing. Nothing: it is none.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace hyprstream
