#include "hub/http_url.hpp"

#include <arpa/inet.h>
#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <format>
#include <optional>
#include <span>

#include "base/c_handle.hpp"

namespace hyprstream {
namespace {

using CurlUrl = CHandle<CURLU, curl_url_cleanup>;
constexpr std::size_t kLongestUrl = 8192;  // signed addresses of blob stores have some 1500 characters

std::string part_of(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return {};
  const CHandle<char, curl_free> owner(text);
  return text;
}

// What a message may show of an address: neither its query, where signatures are, nor control characters.
std::string shown(std::string_view text) {
  std::string out(text.substr(0, std::min(text.find('?'), std::size_t{200})));
  std::ranges::replace_if(out, [](unsigned char c) { return std::iscntrl(c) != 0; }, '?');
  return out;
}

std::unexpected<Error> refuse(std::string_view text, std::string_view why) {
  return fail(ErrorCode::kInvalidArgument, std::format("'{}' {}", shown(text), why));
}

struct Network {
  std::uint32_t address;
  int bits;
};
constexpr std::array<Network, 14> kLocalNetworks{{{0x00000000, 8},    // "this network"
                                                  {0x0a000000, 8},    // private
                                                  {0x64400000, 10},   // shared (carrier NAT)
                                                  {0x7f000000, 8},    // loopback
                                                  {0xa9fe0000, 16},   // link-local
                                                  {0xac100000, 12},   // private
                                                  {0xc0000000, 24},   // protocol assignments
                                                  {0xc0000200, 24},   // documentation
                                                  {0xc0a80000, 16},   // private
                                                  {0xc6120000, 15},   // benchmarks
                                                  {0xc6336400, 24},   // documentation
                                                  {0xcb007100, 24},   // documentation
                                                  {0xe0000000, 4},    // multicast
                                                  {0xf0000000, 4}}};  // reserved, broadcast

bool is_local_ipv4(std::uint32_t address) {
  return std::ranges::any_of(kLocalNetworks, [&](const Network& network) {
    return (address >> (32 - network.bits)) == (network.address >> (32 - network.bits));
  });
}

std::uint32_t ipv4_at(std::span<const std::uint8_t> bytes, std::size_t at) {
  return std::uint32_t{bytes[at]} << 24 | std::uint32_t{bytes[at + 1]} << 16 | std::uint32_t{bytes[at + 2]} << 8 |
         bytes[at + 3];
}

bool is_local_ipv6(std::span<const std::uint8_t, 16> a) {
  const auto zero = [&](std::size_t from, std::size_t to) {
    return std::ranges::all_of(a.subspan(from, to - from), [](std::uint8_t byte) { return byte == 0; });
  };
  if (zero(0, 10) && a[10] == 0xff && a[11] == 0xff) return is_local_ipv4(ipv4_at(a, 12));  // mapped IPv4
  if (zero(0, 12)) return true;                                                             // ::, ::1, old IPv4 form
  if (a[0] == 0x00 && a[1] == 0x64 && a[2] == 0xff && a[3] == 0x9b)                         // NAT64
    return !zero(4, 12) || is_local_ipv4(ipv4_at(a, 12));
  if (a[0] == 0x20 && a[1] == 0x02) return is_local_ipv4(ipv4_at(a, 2));  // 6to4
  // Everything that is global lies in 2000::/3.
  return (a[0] >> 5) != 1;
}

}  // namespace

Result<HttpUrl> HttpUrl::parse(std::string_view text) {
  if (text.size() > kLongestUrl) return refuse(text, "is longer than an address may be");
  if (std::ranges::any_of(text, [](unsigned char c) { return c <= 0x20 || c == 0x7f; }))
    return refuse(text, "has a space or a control character in it: an address has none");
  const CurlUrl url(curl_url());
  if (!url) return fail(ErrorCode::kResourceExhausted, "there is not enough memory for an address");
  if (curl_url_set(url.get(), CURLUPART_URL, std::string(text).c_str(), CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
    return refuse(text, "is not a web address: it must look like https://host/path");
  HttpUrl parsed;
  parsed.scheme_ = part_of(url.get(), CURLUPART_SCHEME);
  if (parsed.scheme_ != "http" && parsed.scheme_ != "https")
    return refuse(text, "is not a web address: only https:// and http:// are");
  if (!part_of(url.get(), CURLUPART_USER).empty() || !part_of(url.get(), CURLUPART_PASSWORD).empty())
    return fail(ErrorCode::kInvalidArgument,
                "an address with a user name or password in it is not accepted: use a token instead");
  curl_url_set(url.get(), CURLUPART_FRAGMENT, nullptr, 0);
  parsed.host_ = part_of(url.get(), CURLUPART_HOST);
  std::ranges::transform(parsed.host_, parsed.host_.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (parsed.host_.ends_with('.')) parsed.host_.pop_back();  // the same machine, fully qualified
  if (parsed.host_.empty()) return refuse(text, "names no host");
  parsed.authority_ = parsed.host_ + ":" + part_of(url.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT);
  if (parsed.host_.starts_with('[')) parsed.host_ = parsed.host_.substr(1, parsed.host_.size() - 2);
  parsed.path_ = part_of(url.get(), CURLUPART_PATH);
  parsed.text_ = part_of(url.get(), CURLUPART_URL);
  return parsed;
}

Result<HttpUrl> HttpUrl::resolve(std::string_view location) const {
  if (location.empty() || location.size() > kLongestUrl) return refuse(location, "is no place to go to");
  if (std::ranges::any_of(location, [](unsigned char c) { return c <= 0x20 || c == 0x7f; }))
    return refuse(location, "has a space or a control character in it: an address has none");
  const CurlUrl url(curl_url());
  if (!url) return fail(ErrorCode::kResourceExhausted, "there is not enough memory for an address");
  if (curl_url_set(url.get(), CURLUPART_URL, text_.c_str(), 0) != CURLUE_OK ||
      curl_url_set(url.get(), CURLUPART_URL, std::string(location).c_str(), CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
    return refuse(location, "is not a web address");
  return parse(part_of(url.get(), CURLUPART_URL));
}

bool HttpUrl::same_origin(const HttpUrl& other) const noexcept {
  return scheme_ == other.scheme_ && authority_ == other.authority_;
}

std::string percent_encode(std::string_view text, bool keep_slashes) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x80 && std::isalnum(byte) != 0) || std::string_view("-._~").contains(c) || (keep_slashes && c == '/'))
      out += c;
    else
      out += std::format("%{:02X}", byte);
  }
  return out;
}

bool is_local_address(std::string_view ip) noexcept {
  std::array<char, 64> text{};      // longer than any address
  ip = ip.substr(0, ip.find('%'));  // the zone of a link-local address
  if (ip.size() >= text.size()) return true;
  std::ranges::copy(ip, text.begin());
  in_addr v4{};
  if (::inet_pton(AF_INET, text.data(), &v4) == 1) return is_local_ipv4(ntohl(v4.s_addr));
  in6_addr v6{};
  if (::inet_pton(AF_INET6, text.data(), &v6) == 1) return is_local_ipv6(std::span<const std::uint8_t, 16>(v6.s6_addr));
  return true;
}

bool is_local_host(std::string_view host) noexcept {
  if (host == "localhost" || host.ends_with(".localhost")) return true;
  in_addr v4{};
  in6_addr v6{};
  std::array<char, 64> text{};
  const auto bare = host.substr(0, host.find('%'));
  if (bare.size() >= text.size()) return false;  // a name
  std::ranges::copy(bare, text.begin());
  const bool is_address = ::inet_pton(AF_INET, text.data(), &v4) == 1 || ::inet_pton(AF_INET6, text.data(), &v6) == 1;
  return is_address && is_local_address(host);
}

}  // namespace hyprstream
