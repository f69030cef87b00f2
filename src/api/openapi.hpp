// The server's description: https://spec.openapis.org/oas/v3.1.0. Internal to api.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "http/route.hpp"

namespace hyprstream {

// Names in openapi_schemas(); "": none.
struct RouteSchemas {
  const char* request = "";  // a JSON body
  const char* answer = "";   // "": it is no JSON
  const char* form = "";     // a multipart/form-data body
};

// JSON schemas of what is sent and answered, by name.
const nlohmann::ordered_json& openapi_schemas();

// `schemas`: one for each route, in their order. The document as JSON text.
std::string openapi_document(std::span<const Route> routes, std::span<const RouteSchemas> schemas,
                             const std::string& version);

}  // namespace hyprstream
