// A lock between processes, on a file that stays.
#pragma once

#include <filesystem>
#include <functional>

#include "base/error.hpp"
#include "base/file_descriptor.hpp"

namespace hyprstream {

// flock(2), as huggingface_hub takes it; gone with this object, or with the process. The file is not
// removed: whoever waits for it would wait for a file without a name. Movable.
class FileLock {
 public:
  // Makes the file and its directory if need be, and waits. `waiting` is called some ten times a second while
  // another process has the lock; false ends the wait with kCancelled. A file system without locks counts as locked.
  // Errors: kPermissionDenied, kNotFound, kIo, kCancelled.
  static Result<FileLock> take(const std::filesystem::path& path, const std::function<bool()>& waiting);

 private:
  explicit FileLock(FileDescriptor file) noexcept : file_(std::move(file)) {}

  FileDescriptor file_;
};

}  // namespace hyprstream
