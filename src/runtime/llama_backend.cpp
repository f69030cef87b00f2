#include "runtime/llama_backend.hpp"

#include <ggml-backend.h>
#include <llama.h>

#include <cstdlib>
#include <exception>
#include <filesystem>
#include <optional>
#include <string_view>

#include "base/log.hpp"

namespace hyprstream {
namespace {

thread_local LlamaErrorCapture* active_capture = nullptr;
// Of a line that comes in pieces.
thread_local LogLevel continued_level = LogLevel::kDebug;

// "llama_model_load: error loading model: x" -> "error loading model: x"
std::string_view without_function_name(std::string_view line) {
  const auto colon = line.find(": ");
  if (colon == std::string_view::npos || line.substr(0, colon).find(' ') != std::string_view::npos) return line;
  return line.substr(colon + 2);
}

void on_llama_log(ggml_log_level level, const char* text, void* /*user_data*/) {
  std::string_view line(text);
  while (line.ends_with('\n')) line.remove_suffix(1);
  if (line.empty() || line == ".") return;  // "." is libllama's own progress bar
  switch (level) {
    case GGML_LOG_LEVEL_ERROR: continued_level = LogLevel::kError; break;
    case GGML_LOG_LEVEL_WARN: continued_level = LogLevel::kInfo; break;  // mostly hints for its own developers
    case GGML_LOG_LEVEL_CONT: break;
    default: continued_level = LogLevel::kDebug; break;
  }
  if (continued_level == LogLevel::kError && active_capture != nullptr)
    active_capture->add(line);
  else
    log_line(continued_level, line);
}

std::filesystem::path backend_directory() {
  if (const char* named = std::getenv("HYPRSTREAM_BACKENDS"); named != nullptr && *named != '\0') return named;
  return HYPRSTREAM_GGML_BACKENDS;
}

std::optional<Error> start_backend() {
  // ggml answers an uncaught exception or an assertion by starting a debugger for a backtrace.
  ::setenv("GGML_NO_BACKTRACE", "1", 0);
  std::set_terminate(std::abort);
  llama_log_set(on_llama_log, nullptr);
  const auto directory = backend_directory();
  ggml_backend_load_all_from_path(directory.c_str());
  if (ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU) == nullptr)
    return Error{ErrorCode::kUnavailable,
                 "no CPU backend of ggml in " + directory.string() +
                     ": start hyprstream through its launcher, or set HYPRSTREAM_BACKENDS to ggml's plugin directory"};
  llama_backend_init();
  return std::nullopt;
}

}  // namespace

Result<void> init_llama_backend() {
  static const std::optional<Error> failure = start_backend();
  if (failure) return std::unexpected(*failure);
  return {};
}

LlamaErrorCapture::LlamaErrorCapture() noexcept { active_capture = this; }

LlamaErrorCapture::~LlamaErrorCapture() { active_capture = nullptr; }

void LlamaErrorCapture::add(std::string_view line) {
  if (first_error_.empty()) first_error_ = without_function_name(line);
}

}  // namespace hyprstream
