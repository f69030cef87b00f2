// RuntimeEngine on the system's libllama.
#pragma once

#include <memory>
#include <string>

#include "base/error.hpp"
#include "runtime/engine.hpp"

namespace hyprstream {

class LlamaCppEngine {
 public:
  // Loads the model. Errors: kNotFound, kPermissionDenied, kCorrupt, kUnsupported (for example
  // an unknown architecture), kResourceExhausted, kInvalidArgument (options), kCancelled.
  static Result<std::unique_ptr<RuntimeEngine>> create(EngineOptions options, const LoadProgress& progress = {});
};

struct LlamaCppVersions {
  std::string llama;  // "0.7.0"
  std::string ggml;
};
LlamaCppVersions llama_cpp_versions();

}  // namespace hyprstream
