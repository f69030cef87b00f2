// What the cache holds, whoever put it there; checking it, and removing from it.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "hub/gguf_choice.hpp"
#include "hub/hub_cache.hpp"
#include "hub/reference.hpp"

namespace hyprstream {

struct CachedFile {
  std::string name;                                 // path in the repository
  std::filesystem::path path;                       // in the snapshot
  std::filesystem::path blob;                       // where the bytes are; `path` itself if it is no link
  std::string etag;                                 // the blob's name; empty if it is none
  std::uint64_t size = 0;                           // bytes
  std::chrono::system_clock::time_point last_used;  // as far as the file system keeps it
};

struct CachedSnapshot {
  std::string repository;
  std::string commit;
  std::vector<std::string> revisions;  // branches and tags that name it
  std::vector<CachedFile> files;       // sorted by name; links to nothing are left out

  // The models among the files.
  std::vector<GgufVariant> variants() const;
  const CachedFile* find(const std::string& name) const noexcept;
};

// Sorted by repository; empty for a cache that is not there. Errors: kPermissionDenied, kIo.
Result<std::vector<CachedSnapshot>> read_cache(const HubCache& cache);

struct CacheRemoval {
  std::string repository;
  std::vector<CachedFile> files;  // the links that go
  std::uint64_t bytes = 0;        // that become free: blobs that no other snapshot uses
};

// The whole repository; with a revision other than "main" that snapshot; with a quantization or file only that, in
// every snapshot that has it. Errors: kNotFound.
Result<CacheRemoval> plan_removal(const HubCache& cache, const HubReference& reference);
// Errors: kPermissionDenied, kIo, kCancelled (while it waits for the lock of a blob).
Result<void> remove_from_cache(const HubCache& cache, const CacheRemoval& removal,
                               const std::function<bool()>& waiting);

// Hashes the blob and, for a GGUF, reads its header. Errors: kCorrupt, kIo and so on: what is wrong with it. A
// file that is no blob has no digest to hold it against.
Result<void> verify_file(const CachedFile& file);

}  // namespace hyprstream
