#include "access/api_keys.hpp"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <format>
#include <fstream>
#include <iterator>
#include <span>
#include <sstream>

#include "base/base64.hpp"
#include "base/hex.hpp"

namespace hyprstream {
namespace {

constexpr std::size_t kShortestKey = 16;
constexpr std::size_t kLongestFile = 1 << 20;

std::array<unsigned char, 32> digest_of(std::string_view key) {
  std::array<unsigned char, 32> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(key.data()), key.size(), digest.data());
  return digest;
}

// systemd gives a service's credentials to root and, with an access list, to the service's user; the list shows as
// the group's permissions (systemd.exec(5), CREDENTIALS_DIRECTORY).
bool is_credential(const std::filesystem::path& path) {
  const char* directory = std::getenv("CREDENTIALS_DIRECTORY");
  if (directory == nullptr || *directory == '\0') return false;
  std::error_code error;
  const auto below = std::filesystem::canonical(directory, error);
  if (error) return false;
  const auto file = std::filesystem::canonical(path, error);
  return !error && std::ranges::mismatch(below, file).in1 == below.end();
}

}  // namespace

Result<ApiKeys> ApiKeys::parse(std::string_view text, std::string_view what) {
  ApiKeys keys;
  std::istringstream lines{std::string(text)};
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    std::istringstream words(line);
    std::vector<std::string> parts{std::istream_iterator<std::string>(words), {}};
    if (parts.empty() || parts.front().starts_with('#')) continue;
    if (parts.size() != 3 || (parts[0] != "inference" && parts[0] != "admin"))
      return fail(
          ErrorCode::kInvalidArgument,
          std::format("{}, line {}: a key is written as 'inference NAME KEY' or 'admin NAME KEY'", what, number));
    const Scope scope = parts[0] == "admin" ? Scope::kAdmin : Scope::kInference;
    if (auto added = keys.add(parts[1], scope, parts[2]); !added)
      return fail(added.error().code, std::format("{}, line {}: {}", what, number, added.error().message));
  }
  return keys;
}

Result<ApiKeys> ApiKeys::read(const std::filesystem::path& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return fail_errno(path.string(), errno);
  if ((status.st_mode & (is_credential(path) ? 037 : 077)) != 0)
    return fail(ErrorCode::kPermissionDenied,
                std::format("{} holds keys, and others than you may read it: chmod 600 it", path.string()));
  std::ifstream file(path, std::ios::binary);
  std::string text(kLongestFile, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  HYPRSTREAM_ASSIGN(auto keys, parse(text, path.string()));
  if (keys.empty()) return fail(ErrorCode::kInvalidArgument, path.string() + " holds no key: add 'admin NAME KEY'");
  return keys;
}

Result<void> ApiKeys::add(std::string name, Scope scope, std::string_view key) {
  if (key.size() < kShortestKey)
    return fail(ErrorCode::kInvalidArgument,
                std::format("the key of '{}' is shorter than {} characters", name, kShortestKey));
  if (std::ranges::any_of(key, [](char c) { return c <= ' ' || c > '~'; }))
    return fail(ErrorCode::kInvalidArgument,
                std::format("the key of '{}' has a character that is not printable", name));
  if (std::ranges::contains(keys_, name, [](const Key& other) { return other.identity.key_id; }))
    return fail(ErrorCode::kInvalidArgument, std::format("two keys are named '{}'", name));
  const auto digest = digest_of(key);
  auto fingerprint = std::format("{}:{}", scope_name(scope), to_hex(std::as_bytes(std::span(digest))));
  keys_.push_back({.identity = {.key_id = std::move(name), .scope = scope, .fingerprint = std::move(fingerprint)},
                   .digest = digest});
  return {};
}

std::optional<Identity> ApiKeys::identify(std::string_view key) const {
  const auto digest = digest_of(key);
  const Key* found = nullptr;
  for (const auto& known : keys_)
    if (CRYPTO_memcmp(known.digest.data(), digest.data(), digest.size()) == 0) found = &known;
  return found == nullptr ? std::nullopt : std::optional(found->identity);
}

namespace {

// `scheme` with its space, in lower case.
std::optional<std::string_view> after_scheme(std::string_view header, std::string_view scheme) noexcept {
  if (header.size() <= scheme.size()) return std::nullopt;
  for (std::size_t i = 0; i < scheme.size(); ++i) {
    const char c = header[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c) != scheme[i]) return std::nullopt;
  }
  return header.substr(scheme.size());
}

}  // namespace

std::optional<std::string_view> bearer_token(std::string_view header) noexcept {
  return after_scheme(header, "bearer ");
}

std::optional<BasicCredentials> basic_credentials(std::string_view header) {
  const auto encoded = after_scheme(header, "basic ");
  if (!encoded) return std::nullopt;
  const auto text = from_base64(*encoded);
  if (!text) return std::nullopt;
  const auto colon = text->find(':');
  if (colon == std::string::npos) return std::nullopt;
  return BasicCredentials{.user = text->substr(0, colon), .password = text->substr(colon + 1)};
}

}  // namespace hyprstream
