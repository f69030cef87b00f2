// From a method and a path to a route. Pure.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "http/error_response.hpp"
#include "http/route.hpp"

namespace hyprstream {

struct RouteMatch {
  const Route* route = nullptr;
  std::map<std::string, std::string> parameters;
};

// `path`: decoded, without the query. 404 names the nearest path, 405 the methods there are.
std::variant<RouteMatch, HttpError> find_route(std::span<const Route> routes, std::string_view method,
                                               std::string_view path);

// Whether a Host header names this server: a loopback name or address, or one of `allowed`, whatever the port. Else a
// page from elsewhere may have had its own name pointed at this machine (DNS rebinding).
bool is_allowed_host(std::string_view host, std::span<const std::string> allowed);

}  // namespace hyprstream
