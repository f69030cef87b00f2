// Web addresses, and which machines they lead to.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace hyprstream {

// An http or https address, in the normal form that libcurl gives it. Immutable.
class HttpUrl {
 public:
  // Errors: kInvalidArgument (not absolute, another scheme, a user name in it, control characters).
  static Result<HttpUrl> parse(std::string_view text);

  // What a Location or Link header means where this address was asked. Errors: as parse().
  Result<HttpUrl> resolve(std::string_view location) const;

  const std::string& text() const noexcept { return text_; }
  const std::string& scheme() const noexcept { return scheme_; }
  const std::string& host() const noexcept { return host_; }  // an IPv6 address without its brackets
  const std::string& path() const noexcept { return path_; }  // from the first '/'; percent-encoded
  std::string origin() const { return scheme_ + "://" + authority_; }

  // Scheme, host and port are the same: what a credential for one may be sent to.
  bool same_origin(const HttpUrl& other) const noexcept;

 private:
  std::string text_;
  std::string scheme_;
  std::string host_;
  std::string path_;
  std::string authority_;  // host:port, the port always there
};

// `text` so that it can be one part of a path; with `keep_slashes`, several.
std::string percent_encode(std::string_view text, bool keep_slashes = false);

// Whether an IP address is of this machine or of a private network: loopback, link-local (cloud
// metadata lies there), private, shared, unspecified, multicast and reserved ranges of IPv4 and IPv6 (IANA's
// special-purpose registries), also as IPv4 inside IPv6. What is no address counts as local.
bool is_local_address(std::string_view ip) noexcept;

// Whether a host is local by its name alone: "localhost" and below, and addresses as above.
bool is_local_host(std::string_view host) noexcept;

}  // namespace hyprstream
