// Models from an address that is no registry: kept below hyprstream's own data, since the shared cache has no
// place for them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "hub/http_url.hpp"
#include "hub/pull.hpp"

namespace hyprstream {

// One file: downloads/<16 digits of the address's SHA-256>/<name>, beside it "source.json" with the address, ETag,
// size and SHA-256.
struct UrlModel {
  std::filesystem::path path;
  std::string url;
  std::string sha256;
  std::uint64_t size = 0;
};

// Errors: kNotFound.
Result<UrlModel> find_url_model(const HttpUrl& url);
std::vector<UrlModel> list_url_models();
// Hashes it and reads its header. Errors: kCorrupt and so on.
Result<void> verify_url_model(const UrlModel& model);
Result<void> remove_url_model(const UrlModel& model);

// Asks the server whether what is there is still what it has, and fetches it if not; the old file stays until
// the new one is whole. The token is sent to nobody but the hub. Errors: those of pull_model().
Result<PulledModel> pull_url(const HubSettings& settings, const HttpUrl& url, const PullOptions& options);

}  // namespace hyprstream
