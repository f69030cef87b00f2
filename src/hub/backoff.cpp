#include "hub/backoff.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <random>
#include <string>

namespace hyprstream {

std::optional<Backoff::Milliseconds> Backoff::next(std::optional<Milliseconds> asked) {
  if (++failures_ >= options_.attempts) return std::nullopt;
  if (asked) return *asked > options_.longest_asked ? std::nullopt : std::optional(*asked);
  thread_local std::minstd_rand random(std::random_device{}());
  const auto doubled = options_.first.count() << std::min(failures_ - 1, 20);
  const auto wait = static_cast<double>(std::min<Milliseconds::rep>(doubled, options_.longest.count()));
  return Milliseconds(static_cast<Milliseconds::rep>(wait * std::uniform_real_distribution(0.75, 1.25)(random)));
}

std::optional<Backoff::Milliseconds> parse_retry_after(std::string_view text,
                                                       std::chrono::system_clock::time_point now) {
  constexpr long long kLongest = 365LL * 24 * 3600;
  long long seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error == std::errc() && end == text.data() + text.size()) {
    if (seconds < 0) return std::nullopt;
    return std::chrono::seconds(std::min(seconds, kLongest));
  }
  const auto date = curl_getdate(std::string(text).c_str(), nullptr);
  if (date < 0) return std::nullopt;
  // In whole seconds: the system clock's own unit does not reach the year 4000.
  const long long wait = static_cast<long long>(date) - std::chrono::system_clock::to_time_t(now);
  return std::chrono::seconds(std::clamp(wait, 0LL, kLongest));
}

}  // namespace hyprstream
