#include "hub/redirects.hpp"

#include <format>
#include <utility>

namespace hyprstream {

RedirectChain::RedirectChain(HttpUrl origin)
    : origin_(std::move(origin)), current_(origin_), origin_is_local_(is_local_host(origin_.host())) {}

bool RedirectChain::may_connect_to(std::string_view ip) noexcept {
  if (!is_local_address(ip)) return true;
  // The user named this host: it may lie anywhere. Asked again later, its name may have moved.
  if (redirects_ == 0) origin_is_local_ = true;
  return origin_is_local_;
}

Result<void> RedirectChain::follow(std::string_view location) {
  if (++redirects_ > kMostRedirects)
    return fail(ErrorCode::kCorrupt, std::format("{} redirects more than {} times: its redirects go round in circles",
                                                 origin_.host(), kMostRedirects));
  auto target = current_.resolve(location);
  if (!target)
    return fail(ErrorCode::kPermissionDenied, std::format("{} redirects to something that is not followed: {}",
                                                          current_.host(), target.error().message));
  if (current_.scheme() == "https" && target->scheme() == "http")
    return fail(ErrorCode::kPermissionDenied,
                std::format("{} redirects from https to plain http at {}, which is not followed", current_.host(),
                            target->host()));
  if (!origin_is_local_ && is_local_host(target->host()))
    return fail(ErrorCode::kPermissionDenied,
                std::format("{} redirects to {}, an address of this machine or its own network, which is not followed",
                            current_.host(), target->host()));
  current_ = std::move(*target);
  return {};
}

}  // namespace hyprstream
