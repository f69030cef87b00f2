// What is decided on a request's head alone, before anything of its body is read. Pure. Internal to http.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <variant>

#include "http/error_response.hpp"
#include "http/http_server.hpp"
#include "http/message.hpp"
#include "http/route.hpp"

namespace hyprstream {

// Refuses a body whose length two programs might understand differently: the rest of one request would be the next.
// Errors: 400.
std::optional<HttpError> check_framing(const HttpRequest& request);
// Errors: 413, also for a body where the method has none.
std::optional<HttpError> check_body_length(const HttpRequest& request, std::size_t most);

bool is_allowed_origin(const HttpRequest& request, const AccessPolicy& policy);

// Host, Origin, route, key and scope, in this order. The route that is to answer, and then `request` knows its
// parameters and its client; or what to answer instead.
std::variant<const Route*, HttpResponse> admit(const AccessPolicy& policy, std::span<const Route> routes,
                                               HttpRequest& request);

}  // namespace hyprstream
