#include "http/router.hpp"

#include <algorithm>
#include <format>
#include <optional>
#include <ranges>

#include "base/nearest_match.hpp"

namespace hyprstream {
namespace {

std::vector<std::string_view> segments_of(std::string_view path) {
  std::vector<std::string_view> segments;
  for (const auto part : path | std::views::split('/')) segments.emplace_back(part.begin(), part.end());
  return segments;
}

std::optional<std::map<std::string, std::string>> match(std::string_view pattern, std::string_view path) {
  const auto wanted = segments_of(pattern);
  const auto given = segments_of(path);
  if (wanted.size() != given.size()) return std::nullopt;
  std::map<std::string, std::string> parameters;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i].starts_with('{') && !given[i].empty())
      parameters[std::string(wanted[i].substr(1, wanted[i].size() - 2))] = given[i];
    else if (wanted[i] != given[i])
      return std::nullopt;
  }
  return parameters;
}

std::string_view without_port(std::string_view host) {
  if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
  return host.substr(0, host.rfind(':'));
}

}  // namespace

std::variant<RouteMatch, HttpError> find_route(std::span<const Route> routes, std::string_view method,
                                               std::string_view path) {
  std::string methods;
  for (const auto& route : routes) {
    auto parameters = match(route.path, path);
    if (!parameters) continue;
    if (route.method == method || (method == "HEAD" && route.method == "GET"))
      return RouteMatch{&route, std::move(*parameters)};
    methods += (methods.empty() ? "" : ", ") + route.method;
    if (route.method == "GET") methods += ", HEAD";
  }
  if (!methods.empty())
    return HttpError{405,
                     "invalid_request_error",
                     std::format("{} takes {}, not {}", path, methods, method),
                     "method_not_allowed",
                     "",
                     methods};
  const auto paths = routes | std::views::transform(&Route::path) | std::ranges::to<std::vector<std::string>>();
  const auto nearest = nearest_match(path, paths);
  return HttpError{404, "invalid_request_error",
                   nearest ? std::format("there is nothing at {}: did you mean {}?", path, *nearest)
                           : std::format("there is nothing at {}", path),
                   "not_found", ""};
}

bool is_allowed_host(std::string_view host, std::span<const std::string> allowed) {
  std::string name(without_port(host));
  std::ranges::transform(name, name.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (name == "localhost" || name == "127.0.0.1" || name == "[::1]") return true;
  return std::ranges::contains(allowed, name);
}

}  // namespace hyprstream
