// Writing a file so that its final name only ever shows all of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

#include "base/error.hpp"
#include "base/file_descriptor.hpp"

namespace hyprstream {

// Bytes go to a hidden neighbour of `path`; publish() syncs it, renames it over `path` and syncs
// the directory. Without publish() the neighbour is removed and `path` stays as it was.
// Not thread-safe.
class AtomicFile {
 public:
  // Errors: kNotFound (no such directory), kPermissionDenied, kResourceExhausted, kIo.
  static Result<AtomicFile> create(std::filesystem::path path);

  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&&) = delete;
  ~AtomicFile();

  // Errors: kResourceExhausted (disk full), kIo. After an error only destruction makes sense.
  Result<void> write(std::span<const std::byte> bytes);
  Result<void> write(std::string_view text) { return write(std::as_bytes(std::span(text))); }

  std::uint64_t bytes_written() const noexcept { return bytes_written_; }

  Result<void> publish();

 private:
  AtomicFile(std::filesystem::path path, std::filesystem::path partial, FileDescriptor file) noexcept;

  std::filesystem::path path_;
  std::filesystem::path partial_;  // empty once published or moved from
  FileDescriptor file_;
  std::uint64_t bytes_written_ = 0;
};

// A file of this text and no other. Errors: as above.
Result<void> write_whole_file(const std::filesystem::path& path, std::string_view text);

}  // namespace hyprstream
