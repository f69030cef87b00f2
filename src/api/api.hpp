// The OpenAI-compatible endpoints: from HTTP requests to the inference service and back.
#pragma once

#include <string>
#include <vector>

#include "http/route.hpp"
#include "serving/adapter_residency.hpp"
#include "serving/inference_service.hpp"

namespace hyprstream {

// What the endpoints work on. Everything must outlive the routes.
struct ApiContext {
  InferenceService* service = nullptr;
  AdapterResidency* adapters = nullptr;
  std::string model_id;  // what the base model is called: "hypr-tiny"
  std::string version;   // of the program
};

std::vector<Route> make_api_routes(const ApiContext& context);

}  // namespace hyprstream
