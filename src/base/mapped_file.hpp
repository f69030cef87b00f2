// A whole file, mapped read-only.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace hyprstream {

// Movable, not copyable. Const access is thread-safe. If another process truncates the file
// while it is mapped, touching the lost pages raises SIGBUS, as with any mapping.
class MappedFile {
 public:
  // Errors: kNotFound, kPermissionDenied, kInvalidArgument (a directory or device), kIo.
  // An empty file gives an empty span.
  static Result<MappedFile> open(const std::filesystem::path& path);

  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  std::span<const std::byte> bytes() const noexcept { return bytes_; }
  std::string_view text() const noexcept { return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()}; }

 private:
  explicit MappedFile(std::span<const std::byte> bytes) noexcept : bytes_(bytes) {}

  std::span<const std::byte> bytes_;
};

// A copy of a whole file. Errors: those of MappedFile::open().
Result<std::string> read_whole_file(const std::filesystem::path& path);

}  // namespace hyprstream
