// Files that clients upload for training: $HYPRSTREAM_HOME/files/<id>/{content,about.json}.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace hyprstream {

struct Upload {
  std::string id;  // "file-" and 24 hexadecimal digits
  std::string filename;
  std::string purpose;
  std::uint64_t bytes = 0;
  long long created = 0;  // seconds since 1970
};

// Holds nothing but its path: thread-safe, and any number of processes may use one store at once. What is seen is
// whole.
class UploadStore {
 public:
  explicit UploadStore(std::filesystem::path directory) : directory_(std::move(directory)) {}
  // data_home()/files.
  static UploadStore of_user();

  // Errors: kPermissionDenied, kResourceExhausted, kIo.
  Result<Upload> add(std::string_view content, std::string filename, std::string purpose) const;
  std::vector<Upload> list() const;  // oldest first; what is no upload is passed over
  // Errors of these: kNotFound; kCorrupt, kIo, ...
  Result<Upload> find(std::string_view id) const;
  Result<std::string> content(std::string_view id) const;
  Result<std::filesystem::path> content_path(std::string_view id) const;
  Result<void> remove(std::string_view id) const;

 private:
  std::filesystem::path directory_;
};

}  // namespace hyprstream
