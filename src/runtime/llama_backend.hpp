// What libllama and ggml keep per process: CPU plugins, log, abort behaviour. Internal to runtime.
#pragma once

#include <string>

#include "base/error.hpp"

namespace hyprstream {

// Loads the best CPU plugin for this machine, and routes libllama's log. Does its work once;
// thread-safe. Errors: kUnavailable (no plugin could be loaded; names the directory).
Result<void> init_llama_backend();

// Collects libllama's error lines instead of logging them, so that a failing call can say why.
// One at a time: a second capture waits for the first. Thread-safe.
class LlamaErrorCapture {
 public:
  LlamaErrorCapture();
  ~LlamaErrorCapture();
  LlamaErrorCapture(const LlamaErrorCapture&) = delete;
  LlamaErrorCapture& operator=(const LlamaErrorCapture&) = delete;

  // The first line so far without its "function: " prefix; empty if there was none.
  std::string first_error() const;
};

}  // namespace hyprstream
