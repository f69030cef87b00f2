// The keys that clients show.
#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "access/identity.hpp"
#include "base/error.hpp"

namespace hyprstream {

// Immutable; thread-safe. Keeps SHA-256 digests, never the keys.
class ApiKeys {
 public:
  // One key a line: "SCOPE NAME KEY", where SCOPE is inference or admin, NAME is what logs show, and KEY has 16 or
  // more printable characters. Empty lines and those that begin with '#' are passed over.
  // Errors: kInvalidArgument (naming `what` and the line, never the key).
  static Result<ApiKeys> parse(std::string_view text, std::string_view what);
  // Errors: as parse(), the system's, and kPermissionDenied (others than the owner may read the file).
  static Result<ApiKeys> read(const std::filesystem::path& path);

  // An admin key named `name`. Errors: as parse().
  Result<void> add(std::string name, Scope scope, std::string_view key);

  // No keys: whoever reaches the server may use it.
  bool empty() const noexcept { return keys_.empty(); }
  // Who shows this key; none: nobody that is known. Takes the same time whichever keys there are.
  std::optional<Identity> identify(std::string_view key) const;

 private:
  struct Key {
    Identity identity;
    std::array<unsigned char, 32> digest;
  };
  std::vector<Key> keys_;
};

// What stands behind "Bearer " in an Authorization header; the scheme's case does not matter (RFC 9110).
std::optional<std::string_view> bearer_token(std::string_view header) noexcept;

struct BasicCredentials {
  std::string user;
  std::string password;
};

// What stands behind "Basic " in one (RFC 7617); some clients leave the padding of its base64 out.
std::optional<BasicCredentials> basic_credentials(std::string_view header);

}  // namespace hyprstream
