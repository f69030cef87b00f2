// Publishing a directory so that its final name only ever shows all of it.
#pragma once

#include <filesystem>

#include "base/error.hpp"
#include "base/file_descriptor.hpp"

namespace hyprstream {

// A hidden directory in `parent`, ".staged-XXXXXX", to be filled and then renamed. It is locked while its process
// lives: what a killed one left behind is removed by the next create(). Not thread-safe.
class StagedDirectory {
 public:
  // Makes `parent` too if it is missing. Errors: kPermissionDenied, kResourceExhausted, kIo.
  static Result<StagedDirectory> create(const std::filesystem::path& parent);

  StagedDirectory(StagedDirectory&& other) noexcept;
  StagedDirectory& operator=(StagedDirectory&&) = delete;
  // Removes the directory, with all that is in it, unless it was published.
  ~StagedDirectory();

  const std::filesystem::path& path() const noexcept { return path_; }

  // Renames it to `target`, on the same file system, and syncs both. What is in it must be synced already
  // (AtomicFile does). Errors: kAlreadyExists (`target` is a directory that is not empty), kIo, ...; the directory
  // stays and may be published again.
  Result<void> publish(const std::filesystem::path& target);

 private:
  StagedDirectory(std::filesystem::path path, FileDescriptor lock) noexcept;

  std::filesystem::path path_;  // empty once published or moved from
  FileDescriptor lock_;
};

// Removes a directory at once for everyone who looks at its name, then what is in it. Errors: kNotFound, kIo, ...
Result<void> remove_directory(const std::filesystem::path& directory, const std::filesystem::path& parent_of_staged);

// Makes what was renamed, made or removed in a directory outlive a power failure.
Result<void> sync_directory(const std::filesystem::path& directory);

}  // namespace hyprstream
