#include "runtime/llama_backend.hpp"

#include <ggml-backend.h>
#include <llama.h>

#include <cstdlib>
#include <exception>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string_view>

#include "base/log.hpp"
#include "base/paths.hpp"

namespace hyprstream {
namespace {

struct LogState {
  std::mutex capture_turn;  // held for the life of a LlamaErrorCapture
  std::mutex mutex;         // guards what follows
  bool capturing = false;
  std::string first_error;
  LogLevel continued = LogLevel::kDebug;  // level of a line that comes in pieces
};

LogState& log_state() {
  static LogState state;
  return state;
}

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
  auto& state = log_state();
  const std::scoped_lock lock(state.mutex);
  switch (level) {
    case GGML_LOG_LEVEL_ERROR: state.continued = LogLevel::kError; break;
    case GGML_LOG_LEVEL_WARN: state.continued = LogLevel::kInfo; break;  // mostly hints for its own developers
    case GGML_LOG_LEVEL_CONT: break;
    default: state.continued = LogLevel::kDebug; break;
  }
  if (state.continued == LogLevel::kError && state.capturing) {
    if (state.first_error.empty()) state.first_error = without_function_name(line);
    return;
  }
  log_line(state.continued, line);
}

std::filesystem::path backend_directory() {
  if (const char* named = std::getenv("HYPRSTREAM_BACKENDS"); named != nullptr && *named != '\0') return named;
  const auto packaged = install_prefix() / "lib" / "ggml";
  std::error_code ignored;
  return std::filesystem::is_directory(packaged, ignored) ? packaged : std::filesystem::path(HYPRSTREAM_GGML_BACKENDS);
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

LlamaErrorCapture::LlamaErrorCapture() {
  auto& state = log_state();
  state.capture_turn.lock();
  const std::scoped_lock lock(state.mutex);
  state.capturing = true;
  state.first_error.clear();
}

LlamaErrorCapture::~LlamaErrorCapture() {
  auto& state = log_state();
  {
    const std::scoped_lock lock(state.mutex);
    state.capturing = false;
  }
  state.capture_turn.unlock();
}

std::string LlamaErrorCapture::first_error() const {
  auto& state = log_state();
  const std::scoped_lock lock(state.mutex);
  return state.first_error;
}

}  // namespace hyprstream
