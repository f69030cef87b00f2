#include "api/openapi.hpp"

#include <ranges>
#include <string_view>

#include "api/json_response.hpp"

namespace hyprstream {
namespace {

using Json = nlohmann::ordered_json;

Json reference(const char* name) { return {{"$ref", std::string("#/components/schemas/") + name}}; }

Json content(const char* type, Json schema) { return {{type, {{"schema", std::move(schema)}}}}; }

Json path_parameters(std::string_view path) {
  Json parameters = Json::array();
  for (const auto part : path | std::views::split('/')) {
    const std::string_view segment(part.begin(), part.end());
    if (segment.starts_with('{'))
      parameters.push_back({{"name", segment.substr(1, segment.size() - 2)},
                            {"in", "path"},
                            {"required", true},
                            {"schema", {{"type", "string"}}}});
  }
  return parameters;
}

Json operation(const Route& route, const RouteSchemas& schemas) {
  Json json = {{"summary", route.summary}};
  if (auto parameters = path_parameters(route.path); !parameters.empty()) json["parameters"] = std::move(parameters);
  Json bodies = Json::object();
  if (*schemas.request != 0) bodies.update(content("application/json", reference(schemas.request)));
  if (*schemas.form != 0) bodies.update(content("multipart/form-data", reference(schemas.form)));
  if (!bodies.empty()) json["requestBody"] = {{"required", true}, {"content", std::move(bodies)}};
  Json good = {{"description", "What was asked for"}};
  if (*schemas.answer != 0) good["content"] = content("application/json", reference(schemas.answer));
  json["responses"] = {
      {"200", std::move(good)},
      {"default", {{"description", "What is wrong"}, {"content", content("application/json", reference("Error"))}}}};
  if (route.scope == Scope::kPublic)
    json["security"] = Json::array();
  else
    json["x-scope"] = scope_name(route.scope);
  return json;
}

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return text;
}

}  // namespace

std::string openapi_document(std::span<const Route> routes, std::span<const RouteSchemas> schemas,
                             const std::string& version) {
  Json paths = Json::object();
  for (std::size_t i = 0; i < routes.size(); ++i)
    paths[routes[i].path][lower(routes[i].method)] = operation(routes[i], schemas[i]);
  return dump_json(
      {{"openapi", "3.1.0"},
       {"info", {{"title", "hyprstream"}, {"version", version}}},
       {"security", Json::array({{{"key", Json::array()}}})},
       {"paths", std::move(paths)},
       {"components",
        {{"securitySchemes", {{"key", {{"type", "http"}, {"scheme", "bearer"}}}}}, {"schemas", openapi_schemas()}}}});
}

}  // namespace hyprstream
