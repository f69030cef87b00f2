// The user's adapters on disk: $HYPRSTREAM_HOME/adapters/<name>/<version>/{adapter.gguf,manifest.json}.
//
// Versions are numbered from 1 and never change; each is published whole by a rename, synced before and after. Any
// number of processes may use one store at once, and any of them may be killed: what is seen is whole.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "adapter/lora_adapter.hpp"
#include "adapter_files/manifest.hpp"

namespace hyprstream {

// [A-Za-z0-9][A-Za-z0-9._-]{0,63}: nothing else reaches a path.
bool is_valid_adapter_name(std::string_view name) noexcept;
// Errors: kInvalidArgument, saying what a name may be.
Result<void> check_adapter_name(std::string_view name);

// One version of one adapter.
struct StoredVersion {
  std::string name;
  int version = 0;
  std::filesystem::path directory;

  std::filesystem::path adapter_file() const { return directory / "adapter.gguf"; }
  std::string reference() const { return name + "@" + std::to_string(version); }
};

// Holds nothing but its path: const access is thread-safe.
class AdapterStore {
 public:
  explicit AdapterStore(std::filesystem::path directory) : directory_(std::move(directory)) {}
  // data_home()/adapters.
  static AdapterStore of_user();

  const std::filesystem::path& directory() const noexcept { return directory_; }

  // Publishes the adapter as the first version of its name.
  // Errors: kAlreadyExists (the name is taken), kInvalidArgument (the name), those of write_adapter_file().
  Result<StoredVersion> create(const LoraAdapter& adapter, const AdapterLineage& lineage) const;
  // Publishes it as the next version of its name. Two processes at once both succeed, with different numbers.
  // Errors: kNotFound (no such name), and as create().
  Result<StoredVersion> add_version(const LoraAdapter& adapter, const AdapterLineage& lineage) const;

  // `reference`: "NAME", "NAME@VERSION", or the first 8 or more characters of an id. Without a version: the newest.
  // Errors: kNotFound (with the nearest name), kInvalidArgument (no reference at all; an ambiguous id).
  Result<StoredVersion> find(std::string_view reference) const;

  // Names in order, each with its newest version. What is no adapter is passed over.
  std::vector<StoredVersion> list() const;
  std::vector<StoredVersion> versions(std::string_view name) const;  // oldest first

  // Errors: kCorrupt (naming the file), kIo, ...
  Result<AdapterManifest> manifest(const StoredVersion& version) const;
  // `verify`: also compares the file with the manifest's SHA-256. Errors: as read_adapter_file().
  Result<LoraAdapter> load(const StoredVersion& version, bool verify = false) const;

  // One version; with the last one the name goes too. Errors: kNotFound, kPermissionDenied, kIo.
  Result<void> remove(const StoredVersion& version) const;
  // All versions at once.
  Result<void> remove_all(std::string_view name) const;

 private:
  Result<StoredVersion> find_by_id(std::string_view prefix) const;

  std::filesystem::path directory_;
};

}  // namespace hyprstream
