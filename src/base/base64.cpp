#include "base/base64.hpp"

#include <openssl/evp.h>

#include <algorithm>

namespace hyprstream {

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

}  // namespace hyprstream
