// The cache that all Hugging Face tools share, in their layout:
//   models--ORG--NAME/blobs/ETAG, snapshots/COMMIT/FILE -> ../../blobs/ETAG, refs/REVISION
//   .locks/models--ORG--NAME/ETAG.lock
// https://huggingface.co/docs/huggingface_hub/guides/manage-cache
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "hub/file_lock.hpp"
#include "hub/repository_file.hpp"

namespace hyprstream {

// Repositories, revisions, files and blobs are named as names.hpp has them; other names are kInvalidArgument
// or kCorrupt wherever something is written. Thread-safe, and other processes may work in the same cache.
class HubCache {
 public:
  explicit HubCache(std::filesystem::path root) : root_(std::move(root)) {}

  const std::filesystem::path& root() const noexcept { return root_; }
  std::filesystem::path repository_directory(const std::string& repository) const;
  std::filesystem::path snapshot_directory(const std::string& repository, const std::string& commit) const;
  std::filesystem::path blob_path(const std::string& repository, const std::string& etag) const;
  // Of a download that is under way.
  std::filesystem::path partial_path(const std::string& repository, const std::string& etag) const;
  std::filesystem::path state_path(const std::string& repository, const std::string& etag) const;

  // ---- Reading ----
  // A branch or tag as it was when it was last asked for; a full commit is its own.
  std::optional<std::string> commit_of(const std::string& repository, const std::string& revision) const;
  // Files of a snapshot that are there, sorted by path. `sha256` is not set.
  std::vector<RepositoryFile> files_of(const std::string& repository, const std::string& commit) const;

  // ---- Writing ----
  // Makes the repository's directories. Errors: kPermissionDenied (read-only), kNotFound (the cache is a link to
  // nothing), kIo; kPermissionDenied too if a directory of the repository leads out of it.
  Result<void> prepare(const std::string& repository) const;
  // Bytes that may still be written.
  Result<std::uint64_t> free_space() const;
  Result<FileLock> lock(const std::string& repository, const std::string& etag,
                        const std::function<bool()>& waiting) const;

  // Whether the blob is there, and whole. One whose bytes may have been lost, because the machine went down
  // soon after it was published, is hashed first, and removed if it is damaged. The caller has the lock.
  Result<bool> has_blob(const std::string& repository, const std::string& etag) const;
  // Gives what was downloaded to partial_path() its final name. The caller has the lock.
  Result<void> publish_blob(const std::string& repository, const std::string& etag) const;
  // The file of the snapshot, linked to the blob. Gives back its path.
  Result<std::filesystem::path> link(const std::string& repository, const std::string& commit, const std::string& file,
                                     const std::string& etag) const;
  Result<void> write_ref(const std::string& repository, const std::string& revision, const std::string& commit) const;

 private:
  std::filesystem::path root_;
};

// "models--org--name" of "org/name", and back; nothing for other directories.
std::string directory_name(const std::string& repository);
std::optional<std::string> repository_of_directory(const std::string& name);

}  // namespace hyprstream
