// A file in memory, with a path: what takes a path can be fuzzed without a disk.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "base/file_descriptor.hpp"

namespace hyprstream {

// Ends the process if the system refuses: a fuzzer cannot go on without. Not thread-safe.
class MemoryFile {
 public:
  MemoryFile();

  // Replaces the contents.
  void write(std::span<const std::byte> bytes);
  const std::string& path() const noexcept { return path_; }

 private:
  FileDescriptor file_;
  std::string path_;
};

}  // namespace hyprstream
