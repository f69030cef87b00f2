#include "base/base64.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <cstdint>

namespace hyprstream {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::string to_base64(std::span<const std::byte> bytes) {
  // OpenSSL counts in int, and ends what it writes with a zero. A multiple of three makes no padding inside.
  constexpr std::size_t kPiece = std::size_t{3} << 20;
  std::string text;
  while (!bytes.empty()) {
    const auto piece = bytes.first(std::min(kPiece, bytes.size()));
    const auto begin = text.size();
    text.resize(begin + (piece.size() + 2) / 3 * 4 + 1);
    const int written =
        EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data() + begin),
                        reinterpret_cast<const unsigned char*>(piece.data()), static_cast<int>(piece.size()));
    text.resize(begin + static_cast<std::size_t>(written));
    bytes = bytes.subspan(piece.size());
  }
  return text;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 == 0)
    for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
  if (text.size() % 4 == 1) return std::nullopt;
  std::string bytes;
  bytes.reserve(text.size() * 3 / 4);
  std::uint32_t bits = 0;
  int count = 0;  // of the bits that are not yet a byte
  for (const char c : text) {
    const auto value = kAlphabet.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = (bits << 6 | static_cast<std::uint32_t>(value)) & 0xFFFFU;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> count & 0xFFU);
  }
  if ((bits & ((1U << count) - 1)) != 0) return std::nullopt;  // bits that say nothing are zero
  return bytes;
}

}  // namespace hyprstream
