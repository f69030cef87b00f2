#include "http/error_response.hpp"

#include <format>
#include <nlohmann/json.hpp>
#include <utility>

namespace hyprstream {

HttpError http_error(const Error& error) {
  const auto& message = error.message;
  switch (error.code) {
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kUnsupported: return {400, "invalid_request_error", message, "invalid_request", ""};
    case ErrorCode::kNotFound: return {404, "invalid_request_error", message, "not_found", ""};
    case ErrorCode::kAlreadyExists: return {409, "invalid_request_error", message, "already_exists", ""};
    case ErrorCode::kPermissionDenied: return {403, "permission_error", message, "permission_denied", ""};
    case ErrorCode::kResourceExhausted: return {503, "server_error", message, "overloaded", ""};
    case ErrorCode::kUnavailable:
    case ErrorCode::kCancelled: return {503, "server_error", message, "unavailable", ""};
    case ErrorCode::kCorrupt:
    case ErrorCode::kIo:
    case ErrorCode::kInternal: return {500, "server_error", message, "internal_error", ""};
  }
  return {.message = message};
}

HttpError request_too_slow() {
  return {408, "invalid_request_error", "the request took too long to arrive", "request_timeout", ""};
}

HttpError body_too_large(std::size_t most) {
  return {413, "invalid_request_error", std::format("the body is larger than {} bytes", most), "body_too_large", ""};
}

HttpError invalid_field(std::string param, std::string message) {
  return {400, "invalid_request_error", std::move(message), "invalid_value", std::move(param)};
}

std::string error_body(const HttpError& error) {
  const auto text_or_null = [](const std::string& text) {
    return text.empty() ? nlohmann::json() : nlohmann::json(text);
  };
  const nlohmann::json body = {{"error",
                                {{"message", error.message},
                                 {"type", error.type},
                                 {"param", text_or_null(error.param)},
                                 {"code", text_or_null(error.code)}}}};
  return body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

HttpResponse error_response(const HttpError& error) {
  HttpResponse response{.status = error.status, .body = error_body(error)};
  if (error.status == 503) response.headers.emplace_back("Retry-After", "1");
  if (!error.allow.empty()) response.headers.emplace_back("Allow", error.allow);
  if (error.status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

}  // namespace hyprstream
