#include "flight/session_cookie.hpp"

#include <algorithm>
#include <format>

namespace hyprstream {

std::string session_in_cookies(std::string_view header) {
  while (!header.empty()) {
    const auto end = header.find(';');
    auto cookie = header.substr(0, end);
    header.remove_prefix(end == std::string_view::npos ? header.size() : end + 1);
    cookie.remove_prefix(std::min(cookie.find_first_not_of(' '), cookie.size()));
    const auto equals = cookie.find('=');
    if (equals == std::string_view::npos || cookie.substr(0, equals) != kSessionCookie) continue;
    auto value = cookie.substr(equals + 1);
    if (value.size() >= 2 && value.starts_with('"') && value.ends_with('"')) value = value.substr(1, value.size() - 2);
    return std::string(value);
  }
  return {};
}

std::string session_cookie(std::string_view handle) {
  return std::format("{}={}{}", kSessionCookie, handle, handle.empty() ? "; Max-Age=0" : "");
}

}  // namespace hyprstream
