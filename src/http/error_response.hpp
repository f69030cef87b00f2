// Errors as OpenAI's clients understand them: {"error": {"message", "type", "param", "code"}}.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "http/message.hpp"

namespace hyprstream {

struct HttpError {
  int status = 500;
  std::string type = "server_error";
  std::string message;
  std::string code;        // stable; "": null
  std::string param;       // the field at fault; "": null
  std::string allow = {};  // for 405: the methods there are
};

// The one place where an ErrorCode becomes an HTTP status.
HttpError http_error(const Error& error);
// 408.
HttpError request_too_slow();
// 413.
HttpError body_too_large(std::size_t most);
HttpError invalid_field(std::string param, std::string message);

// The JSON text.
std::string error_body(const HttpError& error);
HttpResponse error_response(const HttpError& error);

}  // namespace hyprstream
