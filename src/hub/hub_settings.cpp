#include "hub/hub_settings.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <format>
#include <fstream>
#include <string_view>
#include <utility>

namespace hyprstream {
namespace {

constexpr std::string_view kDefaultEndpoint = "https://huggingface.co";
constexpr std::size_t kLongestToken = 4096;

// Empty if the variable is unset.
std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

// A path of the environment, where "~/" is the home directory.
std::filesystem::path path_variable(const char* name) {
  std::string value = variable(name);
  if (value.starts_with("~/")) value = variable("HOME") + value.substr(1);
  return value;
}

std::filesystem::path hub_home() {
  if (auto home = path_variable("HF_HOME"); !home.empty()) return home;
  if (auto cache = path_variable("XDG_CACHE_HOME"); !cache.empty()) return cache / "huggingface";
  return std::filesystem::path(variable("HOME")) / ".cache" / "huggingface";
}

std::filesystem::path cache_directory() {
  for (const char* name : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"})
    if (auto path = path_variable(name); !path.empty()) return path;
  return hub_home() / "hub";
}

bool is_true(std::string value) {
  static constexpr std::array<std::string_view, 4> kTrue{"1", "ON", "YES", "TRUE"};
  std::ranges::transform(value, value.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return std::ranges::contains(kTrue, std::string_view(value));
}

Result<std::chrono::seconds> seconds_variable(const char* name, std::chrono::seconds fallback) {
  const std::string value = variable(name);
  if (value.empty()) return fallback;
  int seconds = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (error != std::errc() || end != value.data() + value.size() || seconds < 1 || seconds > 3600)
    return fail(ErrorCode::kInvalidArgument, std::format("{} must be a number of seconds from 1 to 3600", name));
  return std::chrono::seconds(seconds);
}

// The token in `text`, or nothing. What could end a header line is not sent.
Result<std::optional<std::string>> clean_token(std::string_view text, std::string_view source) {
  constexpr std::string_view kSpace = " \t\r\n";
  while (!text.empty() && kSpace.contains(text.back())) text.remove_suffix(1);
  while (!text.empty() && kSpace.contains(text.front())) text.remove_prefix(1);
  if (text.empty()) return std::nullopt;
  const bool is_plain =
      text.size() <= kLongestToken && std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
  if (!is_plain)
    return fail(ErrorCode::kInvalidArgument,
                std::format("{} holds no token: a token is one word of letters and digits", source));
  return std::string(text);
}

Result<void> read_token(HubSettings& settings) {
  settings.token_source = "HF_TOKEN";
  HYPRSTREAM_ASSIGN(settings.token, clean_token(variable("HF_TOKEN"), "HF_TOKEN"));
  if (settings.token) return {};
  auto path = path_variable("HF_TOKEN_PATH");
  if (path.empty()) path = hub_home() / "token";
  settings.token_source.clear();
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return {};
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail_errno("cannot read the token in " + path.string(), errno);
  std::string text(kLongestToken + 2, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  HYPRSTREAM_ASSIGN(settings.token, clean_token(text, path.string()));
  if (settings.token) settings.token_source = path.string();
  return {};
}

}  // namespace

HttpSettings HubSettings::http(std::chrono::seconds stall_timeout, std::function<bool()> cancelled) const {
  HttpSettings http;
  http.token_origin = endpoint;
  http.token = token;
  http.connect_timeout = metadata_timeout;
  http.stall_timeout = stall_timeout;
  http.cancelled = std::move(cancelled);
  return http;
}

Result<HubSettings> hub_settings_from_environment() {
  std::string endpoint = variable("HF_ENDPOINT");
  if (endpoint.empty()) endpoint = kDefaultEndpoint;
  while (endpoint.ends_with('/')) endpoint.pop_back();
  auto url = HttpUrl::parse(endpoint);
  if (!url) return fail(url.error().code, "HF_ENDPOINT: " + url.error().message);
  HubSettings settings{.endpoint = std::move(*url), .cache = cache_directory(), .token = {}, .token_source = {}};
  settings.offline = is_true(variable("HF_HUB_OFFLINE")) || is_true(variable("TRANSFORMERS_OFFLINE"));
  HYPRSTREAM_ASSIGN(settings.metadata_timeout, seconds_variable("HF_HUB_ETAG_TIMEOUT", settings.metadata_timeout));
  HYPRSTREAM_ASSIGN(settings.download_timeout, seconds_variable("HF_HUB_DOWNLOAD_TIMEOUT", settings.download_timeout));
  HYPRSTREAM_TRY(read_token(settings));
  return settings;
}

}  // namespace hyprstream
