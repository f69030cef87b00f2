// What libllama and ggml keep per process: CPU plugins, log, abort behaviour. Internal to runtime.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace hyprstream {

// Loads the best CPU plugin for this machine, and routes libllama's log. Does its work once;
// thread-safe. Errors: kUnavailable (no plugin could be loaded; names the directory).
Result<void> init_llama_backend();

// Collects the error lines that libllama logs on this thread instead of printing them, so that a failing
// call can say why. While one lives, another on the same thread would take over; do not nest them.
class LlamaErrorCapture {
 public:
  LlamaErrorCapture() noexcept;
  ~LlamaErrorCapture();
  LlamaErrorCapture(const LlamaErrorCapture&) = delete;
  LlamaErrorCapture& operator=(const LlamaErrorCapture&) = delete;

  // The first line so far without its "function: " prefix; empty if there was none.
  const std::string& first_error() const noexcept { return first_error_; }
  void add(std::string_view line);

 private:
  std::string first_error_;
};

}  // namespace hyprstream
