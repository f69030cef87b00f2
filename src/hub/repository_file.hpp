// What the hub's API says: files of a repository, and repositories that a search finds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace hyprstream {

struct RepositoryFile {
  std::string path;                   // checked by check_file_path()
  std::uint64_t size = 0;             // bytes
  std::optional<std::string> sha256;  // of files in LFS

  bool operator==(const RepositoryFile&) const = default;
};

// One page of /api/models/{repo}/tree/{rev}?recursive=true. Folders are left out; files whose path
// check_file_path() refuses are an error, for nobody has such files by accident. Errors: kCorrupt.
Result<std::vector<RepositoryFile>> parse_tree(std::string_view json);

struct FoundRepository {
  std::string name;
  std::uint64_t downloads = 0;
  std::uint64_t likes = 0;
  bool is_private = false;
  bool is_gated = false;
  std::string last_modified;  // ISO 8601; empty if not said
};

// The answer of /api/models?search=. Repositories with a name that is none are left out. Errors: kCorrupt.
Result<std::vector<FoundRepository>> parse_search(std::string_view json);

}  // namespace hyprstream
