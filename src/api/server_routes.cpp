// How the server itself is.
#include "api/endpoints.hpp"
#include "api/json_response.hpp"

namespace hyprstream {

HttpResponse handle_health(const ApiContext& context, const HttpRequest&) {
  if (context.service->state().draining)
    return error_response({503, "server_error", "the server is shutting down", "unavailable", ""});
  return json_response(nlohmann::ordered_json{{"status", "ok"}});
}

HttpResponse handle_version(const ApiContext& context, const HttpRequest&) {
  return json_response(nlohmann::ordered_json{{"version", context.version}});
}

HttpResponse handle_metrics(const ApiContext& context, const HttpRequest&) {
  return {.content_type = "text/plain; version=0.0.4; charset=utf-8",
          .body = context.metrics->render(context.service->state(), context.adapters->state())};
}

}  // namespace hyprstream
