// Any bytes as the headers that say who calls: what is read must be what was written.
#include <cstdint>
#include <span>
#include <string_view>

#include "access/api_keys.hpp"
#include "base/base64.hpp"
#include "flight/session_cookie.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hyprstream;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto bytes = from_base64(text)) {
    auto again = to_base64(std::as_bytes(std::span(*bytes)));
    if (!text.ends_with('='))
      while (again.ends_with('=')) again.pop_back();
    if (again != text) __builtin_trap();
  }
  const auto encoded = to_base64(std::as_bytes(std::span(data, size)));
  if (from_base64(encoded) != text) __builtin_trap();
  const auto credentials = basic_credentials("Basic " + encoded);
  if (credentials.has_value() != text.contains(':')) __builtin_trap();
  if (credentials && credentials->user + ":" + credentials->password != text) __builtin_trap();
  static_cast<void>(basic_credentials(text));
  static_cast<void>(bearer_token(text));
  const auto session = session_in_cookies(text);
  if (!session.empty() && !text.contains(session)) __builtin_trap();
  return 0;
}
