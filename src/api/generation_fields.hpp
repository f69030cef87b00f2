// What chat and completion requests have in common: the model, sampling, limits.
#pragma once

#include <string>

#include "api/api.hpp"
#include "api/json_fields.hpp"
#include "serving/request.hpp"

namespace hyprstream {

struct GenerationCall {
  ServingRequest request;  // without its prompt
  std::string model;       // as the client wrote it, for the answer
  bool stream = false;
  bool include_usage = false;
};

// `model` names the base model, an adapter (NAME, NAME@VERSION), or both (BASE+NAME); left out, it is the base model.
// Errors: 404 model_not_found.
ApiResult<std::vector<RequestAdapter>> adapters_of_model(const ApiContext& context, const std::string& model);

// Errors: 400 naming the field, 404 for models and adapters.
ApiResult<GenerationCall> read_generation_fields(const ApiContext& context, const HttpRequest& request,
                                                 const JsonFields& fields);

}  // namespace hyprstream
