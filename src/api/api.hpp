// The OpenAI-compatible endpoints: from HTTP requests to the inference service and back.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "http/route.hpp"
#include "metrics/serving_metrics.hpp"
#include "serving/adapter_residency.hpp"
#include "serving/inference_service.hpp"
#include "uploads/upload_store.hpp"

namespace hyprstream {

class AdapterScales;
class FineTuningService;

// What the endpoints work on. Everything that is pointed to must outlive the routes.
struct ApiContext {
  InferenceService* service = nullptr;
  AdapterResidency* adapters = nullptr;
  AdapterScales* scales = nullptr;
  ServingMetrics* metrics = nullptr;
  const UploadStore* uploads = nullptr;
  FineTuningService* fine_tuning = nullptr;
  std::filesystem::path model_path;
  std::vector<std::filesystem::path> adapter_directories;  // what /v1/load_lora_adapter may read
  std::string model_id;                                    // what the base model is called: "hypr-tiny"
  std::string version;                                     // of the program
};

std::vector<Route> make_api_routes(const ApiContext& context);

}  // namespace hyprstream
