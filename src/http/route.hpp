// What is served: one entry per method and path.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "access/identity.hpp"
#include "http/message.hpp"

namespace hyprstream {

// Called on the connection's thread; many at once.
using HttpHandler = std::function<HttpResponse(const HttpRequest&)>;

struct Route {
  std::string method;               // "POST"
  std::string path;                 // "/v1/adapters/{name}"; a parameter is one segment
  Scope scope = Scope::kInference;  // what a key must allow
  std::string summary;              // a sentence for /openapi.json
  HttpHandler handler;
};

}  // namespace hyprstream
