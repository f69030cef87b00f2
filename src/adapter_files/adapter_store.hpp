// The user's adapters on disk: $HYPRSTREAM_HOME/adapters/<name>/<version>/{adapter.gguf,manifest.json}.
//
// Versions are numbered from 1 and never change; each is published whole by a rename. Any number of processes may use
// one store at once.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapter/lora_adapter.hpp"
#include "adapter_files/manifest.hpp"

namespace hyprstream {

// [A-Za-z0-9][A-Za-z0-9._-]{0,63}: nothing else reaches a path.
bool is_valid_adapter_name(std::string_view name) noexcept;

// One version of one adapter.
struct StoredVersion {
  std::string name;
  int version = 0;
  std::filesystem::path directory;
};

// Stateless but for its path: const access is thread-safe.
class AdapterStore {
 public:
  explicit AdapterStore(std::filesystem::path directory) : directory_(std::move(directory)) {}
  // data_home()/adapters.
  static AdapterStore of_user();

  const std::filesystem::path& directory() const noexcept { return directory_; }

  // Publishes the adapter as the first version of a new name (its own).
  // Errors: kAlreadyExists (the name is taken), kInvalidArgument (the name), those of write_adapter_file().
  Result<StoredVersion> create(const LoraAdapter& adapter, const AdapterLineage& lineage) const;
  // Publishes it as the next version of its name, which must be there.
  // Two processes at once both succeed, with different versions.
  Result<StoredVersion> add_version(const LoraAdapter& adapter, const AdapterLineage& lineage) const;

  // `reference`: "NAME", "NAME@VERSION", or an id or its first 8 or more hex digits. Without a version: the newest.
  // Errors: kNotFound (with the nearest name), kInvalidArgument (not a reference; ambiguous).
  Result<StoredVersion> find(std::string_view reference) const;

  // Names in order, each with its newest version. Folders that are not adapters are passed over.
  Result<std::vector<StoredVersion>> list() const;
  Result<std::vector<StoredVersion>> versions(std::string_view name) const;  // oldest first

  // Checks that manifest and file belong together. With `verify`, also the file's SHA-256.
  Result<AdapterManifest> manifest(const StoredVersion& version) const;
  Result<LoraAdapter> load(const StoredVersion& version, bool verify = false) const;

  // One version, or all of a name. Gone at once: renamed away first, then deleted.
  // Errors: kNotFound.
  Result<void> remove(const StoredVersion& version) const;
  Result<void> remove_all(std::string_view name) const;

 private:
  std::filesystem::path directory_;
};

}  // namespace hyprstream
