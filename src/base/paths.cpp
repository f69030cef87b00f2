#include "base/paths.hpp"

#include <cstdlib>
#include <string>
#include <system_error>

namespace hyprstream {
namespace {

// Empty if the variable is unset or empty.
std::filesystem::path path_from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::filesystem::path() : std::filesystem::path(value);
}

}  // namespace

std::filesystem::path install_prefix() {
  if (auto prefix = path_from_environment("HYPRSTREAM_PREFIX"); !prefix.empty()) return prefix;
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? std::filesystem::path(".") : program.parent_path().parent_path();
}

std::filesystem::path bundled_model_path() { return install_prefix() / "models" / "hypr-tiny-q8_0.gguf"; }

std::filesystem::path comparison_text_path() { return install_prefix() / "models" / "comparison.txt"; }

std::filesystem::path voice_examples_path() { return install_prefix() / "models" / "pirate.jsonl"; }

std::filesystem::path module_directory() {
  if (auto modules = path_from_environment("HYPRSTREAM_MODULES"); !modules.empty()) return modules;
  return install_prefix() / "lib";
}

std::filesystem::path data_home() {
  if (auto home = path_from_environment("HYPRSTREAM_HOME"); !home.empty()) return home;
  if (auto data = path_from_environment("XDG_DATA_HOME"); data.is_absolute()) return data / "hyprstream";
  if (auto home = path_from_environment("HOME"); !home.empty()) return home / ".local" / "share" / "hyprstream";
  return std::filesystem::path(".hyprstream");
}

}  // namespace hyprstream
