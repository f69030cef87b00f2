// What the hub knows: the files of a repository, where one is to be had, and repositories by a word.
// https://huggingface.co/docs/hub/api
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "hub/http_client.hpp"
#include "hub/hub_settings.hpp"
#include "hub/repository_file.hpp"

namespace hyprstream {

// One file as the hub has it now.
struct ResolvedFile {
  std::string commit;      // of the revision, 40 digits
  std::string etag;        // is_blob_name(): the SHA-256 of files in LFS, else the git blob's SHA-1
  std::uint64_t size = 0;  // bytes
  RedirectChain chain;     // where its bytes are: at the hub, or where the hub points to
};

// Not thread-safe. Every call's errors: those of HttpClient; kUnavailable (offline); kNotFound (repository,
// revision or file), kPermissionDenied (a token is missing, wrong or not enough; a gated repository), each with
// a sentence of its own; kCorrupt (an answer that makes no sense).
class HubClient {
 public:
  // `settings` must outlive it.
  static Result<HubClient> create(const HubSettings& settings, std::function<bool()> cancelled = {});

  // All pages. Errors: also kCorrupt for more than 100,000 files.
  Result<std::vector<RepositoryFile>> list_files(const std::string& repository, const std::string& revision);

  Result<ResolvedFile> resolve(const std::string& repository, const std::string& revision, const std::string& file);

  // Repositories with GGUF files, the most downloaded first. `limit`: 1 to 100.
  Result<std::vector<FoundRepository>> search(std::string_view words, int limit);

 private:
  HubClient(const HubSettings& settings, HttpClient http) : settings_(settings), http_(std::move(http)) {}

  Result<HttpUrl> url(const std::string& path) const;
  // Passes on what is no 200 (or redirect) as the sentence for it.
  Result<void> check_status(const HttpReply& response, const std::string& repository, const std::string& revision,
                            const std::string& file) const;

  const HubSettings& settings_;
  HttpClient http_;
};

}  // namespace hyprstream
