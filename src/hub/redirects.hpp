// Following redirects by our own rules. libcurl's are not used: they know neither where a token may
// go nor which machine a name may lead to.
#pragma once

#include <string_view>

#include "base/error.hpp"
#include "hub/http_url.hpp"

namespace hyprstream {

// One request on its way from address to address. A value; not thread-safe.
//
// The rules: at most kMostRedirects; http and https only; never from https to http; from a public machine
// never to one of this machine's own networks (which the hub's operator, or whoever sits between, has no
// business with). A hub that is itself local may point to local machines.
class RedirectChain {
 public:
  static constexpr int kMostRedirects = 8;

  explicit RedirectChain(HttpUrl origin);

  const HttpUrl& origin() const noexcept { return origin_; }
  const HttpUrl& current() const noexcept { return current_; }

  // Whether a credential for the origin may be sent with the current request.
  bool may_send_credentials() const noexcept { return current_.same_origin(origin_); }

  // Whether the current request may reach a machine with this address. Also learns from the answer to
  // the first request whether the origin, for all its public name, is local.
  bool may_connect_to(std::string_view ip) noexcept;

  // Goes on to where the Location header says. Errors: kPermissionDenied (a rule forbids it; the sentence
  // says which), kCorrupt (too many, or no address).
  Result<void> follow(std::string_view location);

 private:
  HttpUrl origin_;
  HttpUrl current_;
  bool origin_is_local_;
  int redirects_ = 0;
};

}  // namespace hyprstream
