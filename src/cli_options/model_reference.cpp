#include "cli_options/model_reference.hpp"

#include <algorithm>
#include <cctype>
#include <system_error>

#include "base/paths.hpp"
#include "hub/reference.hpp"

namespace hyprstream {
namespace {

std::string lower_case(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

}  // namespace

std::string model_path_for(const std::optional<std::string>& reference) {
  return reference && *reference != kBundledModel ? *reference : bundled_model_path().string();
}

Error with_model_remedy(Error error) {
  if (error.code == ErrorCode::kNotFound)
    error.message += "; check the path, or leave the model out to use the bundled one";
  else if (error.code == ErrorCode::kPermissionDenied)
    error.message += "; its permissions keep this user from reading it";
  return error;
}

bool names_a_model(const std::string& text) {
  if (text == kBundledModel) return true;
  std::error_code ignored;  // a text that is too long for a path is none
  if (std::filesystem::exists(text, ignored)) return true;
  // MODEL+ADAPTER.
  if (const auto plus = text.find('+'); plus != std::string::npos && !text.contains(' '))
    return plus == 0 || names_a_model(text.substr(0, plus)) || text.contains(".gguf+");
  // Text with spaces may well hold a slash.
  if (std::ranges::any_of(text, [](unsigned char c) { return std::isspace(c) != 0; })) return text.ends_with(".gguf");
  if (text.contains('/') || text.ends_with(".gguf")) return true;
  const auto aliases = load_aliases();
  return aliases && aliases->contains(lower_case(text));
}

std::string display_path(const std::filesystem::path& path) {
  std::error_code error;
  // The folder alone is resolved: a file in the model cache is a link to a blob, and its own name says more.
  // Made absolute first: of a relative path to nothing, weakly_canonical() makes nothing absolute.
  auto absolute = std::filesystem::absolute(path, error);
  if (!error) absolute = std::filesystem::weakly_canonical(absolute.parent_path(), error) / absolute.filename();
  if (error) return path.string();
  const auto here = std::filesystem::current_path(error);
  if (error) return path.string();
  const auto relative = absolute.lexically_relative(std::filesystem::weakly_canonical(here, error));
  if (error || relative.empty() || *relative.begin() == ".." || here == "/") return path.string();
  return (std::filesystem::path(".") / relative).string();
}

}  // namespace hyprstream
