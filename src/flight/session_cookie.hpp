// The cookie that ties a client's calls to one session, as Flight SQL's clients keep it.
#pragma once

#include <string>
#include <string_view>

namespace hyprstream {

inline constexpr std::string_view kSessionCookie = "arrow_flight_session_id";

// The session's handle in a Cookie header; empty: it has none.
std::string session_in_cookies(std::string_view header);
// For Set-Cookie; an empty handle ends it.
std::string session_cookie(std::string_view handle);

}  // namespace hyprstream
