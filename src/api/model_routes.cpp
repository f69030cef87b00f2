// GET /v1/models: what "model" may name.
#include "api/endpoints.hpp"
#include "api/generation_fields.hpp"
#include "api/json_response.hpp"

namespace hyprstream {
namespace {

using Json = nlohmann::ordered_json;

Json model_entry(const std::string& id, const std::string& parent) {
  return {{"id", id},     {"object", "model"},
          {"created", 0}, {"owned_by", "hyprstream"},
          {"root", id},   {"parent", parent.empty() ? Json() : Json(parent)}};
}

}  // namespace

HttpResponse handle_models(const ApiContext& context, const HttpRequest&) {
  Json data = Json::array({model_entry(context.model_id, "")});
  for (const auto& stored : context.adapters->store().list())
    if (!context.adapters->is_hidden(stored.name)) data.push_back(model_entry(stored.name, context.model_id));
  return json_response(Json{{"object", "list"}, {"data", data}});
}

HttpResponse handle_model(const ApiContext& context, const HttpRequest& request) {
  const auto& id = request.path_parameters.at("id");
  const auto adapters = adapters_of_model(context, id);
  if (!adapters) return error_response(adapters.error());
  return json_response(model_entry(id, adapters->empty() ? "" : context.model_id));
}

}  // namespace hyprstream
