// The table of routes, and the endpoints that need no more than a few lines.
#include "api/api.hpp"
#include "api/generation_fields.hpp"
#include "api/generation_routes.hpp"
#include "api/json_fields.hpp"

namespace hyprstream {
namespace {

using Json = nlohmann::ordered_json;

HttpResponse json_response(const Json& json) {
  return {.body = json.dump(-1, ' ', false, Json::error_handler_t::replace)};
}

HttpResponse handle_health(const ApiContext& context, const HttpRequest&) {
  if (context.service->state().draining)
    return error_response({503, "server_error", "the server is shutting down", "unavailable", ""});
  return json_response({{"status", "ok"}});
}

HttpResponse handle_version(const ApiContext& context, const HttpRequest&) {
  return json_response({{"version", context.version}});
}

Json model_entry(const std::string& id, const std::string& parent) {
  return {{"id", id},     {"object", "model"},
          {"created", 0}, {"owned_by", "hyprstream"},
          {"root", id},   {"parent", parent.empty() ? Json() : Json(parent)}};
}

HttpResponse handle_models(const ApiContext& context, const HttpRequest&) {
  Json data = Json::array({model_entry(context.model_id, "")});
  for (const auto& stored : context.adapters->store().list())
    if (!context.adapters->is_hidden(stored.name)) data.push_back(model_entry(stored.name, context.model_id));
  return json_response({{"object", "list"}, {"data", data}});
}

HttpResponse handle_model(const ApiContext& context, const HttpRequest& request) {
  const auto& id = request.path_parameters.at("id");
  const auto adapters = adapters_of_model(context, id);
  if (!adapters) return error_response(adapters.error());
  return json_response(model_entry(id, adapters->empty() ? "" : context.model_id));
}

ApiResult<Json> tokenize(const ApiContext& context, const HttpRequest& request) {
  HYPRSTREAM_ASSIGN(const auto body, parse_body(request));
  const JsonFields fields(body);
  HYPRSTREAM_ASSIGN(const auto content, fields.text("content"));
  if (!content) return fields.wrong("content", "a text");
  HYPRSTREAM_ASSIGN(const auto special, fields.flag("add_special"));
  HYPRSTREAM_ASSIGN(const auto parse, fields.flag("parse_special"));
  const TokenizeOptions options{.add_special = special.value_or(false), .parse_special = parse.value_or(true)};
  HYPRSTREAM_ASSIGN(const auto tokens,
                    context.service->engine().tokenize(*content, options).transform_error(http_error));
  return Json{{"tokens", tokens}};
}

ApiResult<Json> detokenize(const ApiContext& context, const HttpRequest& request) {
  HYPRSTREAM_ASSIGN(const auto body, parse_body(request));
  const JsonFields fields(body);
  const auto* list = fields.find("tokens");
  if (list == nullptr || !list->is_array()) return fields.wrong("tokens", "a list of token numbers");
  const int vocabulary = context.service->engine().model_info().vocabulary_size;
  std::vector<Token> tokens;
  for (const auto& item : *list) {
    if (!item.is_number_integer() || item.get<long long>() < 0 || item.get<long long>() >= vocabulary)
      return fields.wrong("tokens", "a list of token numbers of this vocabulary");
    tokens.push_back(item.get<Token>());
  }
  return Json{{"content", context.service->engine().detokenize(tokens, true)}};
}

template <auto function>
HttpResponse handle(const ApiContext& context, const HttpRequest& request) {
  const auto answer = function(context, request);
  return answer ? json_response(*answer) : error_response(answer.error());
}

}  // namespace

std::vector<Route> make_api_routes(const ApiContext& context) {
  using Handler = HttpResponse (*)(const ApiContext&, const HttpRequest&);
  const auto route = [&](const char* method, const char* path, Scope scope, const char* summary, Handler handler) {
    return Route{.method = method,
                 .path = path,
                 .scope = scope,
                 .summary = summary,
                 .handler = [context, handler](const HttpRequest& request) { return handler(context, request); }};
  };
  constexpr auto kInfer = Scope::kInference;
  return {
      route("GET", "/health", Scope::kPublic, "Whether the server takes requests", handle_health),
      route("GET", "/version", kInfer, "The program's version", handle_version),
      route("GET", "/v1/models", kInfer, "The base model and every adapter", handle_models),
      route("GET", "/v1/models/{id}", kInfer, "One of them", handle_model),
      route("POST", "/v1/completions", kInfer, "Continue a text", handle_completion),
      route("POST", "/v1/chat/completions", kInfer, "Answer a conversation", handle_chat_completion),
      route("POST", "/tokenize", kInfer, "A text's tokens", handle<tokenize>),
      route("POST", "/detokenize", kInfer, "The text of tokens", handle<detokenize>),
  };
}

}  // namespace hyprstream
