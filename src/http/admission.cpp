#include "http/admission.hpp"

#include <algorithm>
#include <charconv>
#include <format>
#include <string>
#include <utility>

#include "http/router.hpp"

namespace hyprstream {
namespace {

const std::string* header(const HttpRequest& request, const char* name) {
  const auto found = request.headers.find(name);
  return found == request.headers.end() ? nullptr : &found->second;
}

bool takes_body(const HttpRequest& request) {
  return request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
}

// nullopt: no number, or none that a body could have.
std::optional<std::uint64_t> parse_length(const std::string& text) {
  std::uint64_t length = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return length;
}

// Errors: 401, 403. Else `request` knows its client.
std::optional<HttpError> check_key(const ApiKeys& keys, const Route& route, HttpRequest& request) {
  if (keys.empty() || route.scope == Scope::kPublic) return std::nullopt;
  const auto* shown = header(request, "authorization");
  const auto token = shown == nullptr ? std::nullopt : bearer_token(*shown);
  const auto identity = token ? keys.identify(*token) : std::nullopt;
  if (!identity)
    return HttpError{
        401, "authentication_error",
        token ? "this API key is not known here" : "an API key is needed: send 'Authorization: Bearer KEY'",
        "invalid_api_key", ""};
  if (identity->scope < route.scope)
    return HttpError{403, "permission_error",
                     std::format("the key '{}' allows {} only, and this needs {}", identity->key_id,
                                 scope_name(identity->scope), scope_name(route.scope)),
                     "insufficient_scope", ""};
  request.client = *identity;
  return std::nullopt;
}

// What a browser asks before it lets a page send the request itself
// (https://fetch.spec.whatwg.org/#cors-preflight-fetch). An origin that is allowed may send what headers it likes:
// OpenAI's client for browsers sends some of its own.
HttpResponse preflight_response(const HttpRequest& request) {
  HttpResponse response{.status = 204};
  const auto* asked = header(request, "access-control-request-headers");
  response.headers.emplace_back("Access-Control-Allow-Methods", "GET, POST, DELETE");
  response.headers.emplace_back("Access-Control-Allow-Headers",
                                asked != nullptr ? *asked : "Authorization, Content-Type");
  response.headers.emplace_back("Access-Control-Max-Age", "600");
  response.headers.emplace_back("Vary", "Access-Control-Request-Headers");
  return response;
}

}  // namespace

std::optional<HttpError> check_framing(const HttpRequest& request) {
  const auto refuse = [](const char* message) {
    return HttpError{400, "invalid_request_error", message, "bad_request", ""};
  };
  const auto* length = header(request, "content-length");
  const auto* encoding = header(request, "transfer-encoding");
  if (length != nullptr && !parse_length(*length)) return refuse("the header Content-Length must be one number");
  if (encoding == nullptr) return std::nullopt;
  constexpr std::string_view kChunked = "chunked";
  const bool chunked = std::ranges::equal(*encoding, kChunked, [](char c, char wanted) {
    return c == wanted || (c >= 'A' && c <= 'Z' && static_cast<char>(c + 32) == wanted);
  });
  if (!chunked) return refuse("the header Transfer-Encoding must be chunked");
  if (length != nullptr) return refuse("a request has Content-Length or Transfer-Encoding, not both");
  return std::nullopt;
}

std::optional<HttpError> check_body_length(const HttpRequest& request, std::size_t most) {
  const auto* length = header(request, "content-length");
  if (!takes_body(request)) {
    if (header(request, "transfer-encoding") == nullptr && (length == nullptr || parse_length(*length) == 0))
      return std::nullopt;
    return HttpError{413, "invalid_request_error", std::format("{} takes no body", request.method), "body_too_large",
                     ""};
  }
  if (length == nullptr || parse_length(*length).value_or(0) <= most) return std::nullopt;
  return body_too_large(most);
}

bool is_allowed_origin(const HttpRequest& request, const AccessPolicy& policy) {
  const auto* origin = header(request, "origin");
  return origin == nullptr || std::ranges::contains(policy.allowed_origins, *origin);
}

std::variant<const Route*, HttpResponse> admit(const AccessPolicy& policy, std::span<const Route> routes,
                                               HttpRequest& request) {
  const auto* host = header(request, "host");
  if (host == nullptr || !is_allowed_host(*host, policy.allowed_hosts))
    return error_response({403, "permission_error",
                           "this server does not go by the name in the Host header: start it with --allowed-host",
                           "host_not_allowed", ""});
  // No page of another origin may read or change anything here.
  if (!is_allowed_origin(request, policy))
    return error_response({403, "permission_error",
                           "requests from web pages are not allowed, but from those that --allowed-origin names",
                           "origin_not_allowed", ""});
  if (request.method == "OPTIONS" && header(request, "origin") != nullptr) return preflight_response(request);
  auto found = find_route(routes, request.method, request.path);
  if (const auto* error = std::get_if<HttpError>(&found)) {
    // Who has no key does not learn what there is.
    const auto refused = check_key(policy.keys, {.scope = Scope::kInference}, request);
    return error_response(refused ? *refused : *error);
  }
  auto& match = std::get<RouteMatch>(found);
  if (const auto refused = check_key(policy.keys, *match.route, request)) return error_response(*refused);
  request.path_parameters = std::move(match.parameters);
  return match.route;
}

}  // namespace hyprstream
