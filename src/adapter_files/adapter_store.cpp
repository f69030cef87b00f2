#include "adapter_files/adapter_store.hpp"

#include <algorithm>
#include <charconv>
#include <format>
#include <optional>
#include <system_error>

#include "adapter_files/adapter_file.hpp"
#include "base/atomic_file.hpp"
#include "base/mapped_file.hpp"
#include "base/nearest_match.hpp"
#include "base/paths.hpp"
#include "base/sha256.hpp"
#include "base/staged_directory.hpp"

namespace hyprstream {
namespace {

constexpr std::size_t kMaxNameLength = 64;
constexpr std::size_t kShortestId = 8;
constexpr const char* kManifestFile = "manifest.json";

bool is_alphanumeric(char c) noexcept {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

// "1", "2", ...: no sign, no leading zero.
std::optional<int> parse_version(std::string_view text) noexcept {
  int version = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
  if (error != std::errc() || end != text.data() + text.size() || version < 1 || text.front() == '0')
    return std::nullopt;
  return version;
}

// A directory and no link to one: nothing outside the store is followed.
bool is_real_directory(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::symlink_status(path, error).type() == std::filesystem::file_type::directory;
}

std::vector<std::string> entries_of(const std::filesystem::path& directory) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error))
    names.push_back(entry.path().filename().string());
  return names;
}

// Writes both files; adapter.gguf is there before the manifest that describes it.
Result<void> write_version(const LoraAdapter& adapter, AdapterManifest& manifest,
                           const std::filesystem::path& directory) {
  const auto file = directory / "adapter.gguf";
  if (manifest.sha256.empty()) {
    HYPRSTREAM_TRY(write_adapter_file(adapter, file));
    HYPRSTREAM_ASSIGN(manifest.sha256, sha256_file(file));
    std::error_code error;
    manifest.file_bytes = std::filesystem::file_size(file, error);
  }
  return write_whole_file(directory / kManifestFile, format_manifest(manifest));
}

}  // namespace

bool is_valid_adapter_name(std::string_view name) noexcept {
  return !name.empty() && name.size() <= kMaxNameLength && is_alphanumeric(name.front()) &&
         std::ranges::all_of(name, [](char c) { return is_alphanumeric(c) || c == '.' || c == '_' || c == '-'; });
}

Result<void> check_adapter_name(std::string_view name) {
  if (is_valid_adapter_name(name)) return {};
  return fail(ErrorCode::kInvalidArgument,
              std::format("'{}' cannot be the name of an adapter: use 1 to {} letters, digits, '.', '_' and '-', the "
                          "first a letter or digit",
                          name, kMaxNameLength));
}

AdapterStore AdapterStore::of_user() { return AdapterStore(data_home() / "adapters"); }

Result<StoredVersion> AdapterStore::create(const LoraAdapter& adapter, const AdapterLineage& lineage) const {
  HYPRSTREAM_TRY(check_adapter_name(adapter.name()));
  auto manifest = describe_adapter(adapter, lineage);
  manifest.version = 1;
  manifest.created_at = utc_now();
  HYPRSTREAM_ASSIGN(auto staged, StagedDirectory::create(directory_));
  std::error_code error;
  if (!std::filesystem::create_directory(staged.path() / "1", error))
    return fail_errno("cannot write in " + directory_.string(), error.value());
  HYPRSTREAM_TRY(write_version(adapter, manifest, staged.path() / "1"));
  if (auto published = staged.publish(directory_ / adapter.name()); !published) {
    if (published.error().code != ErrorCode::kAlreadyExists) return std::unexpected(std::move(published).error());
    return fail(
        ErrorCode::kAlreadyExists,
        std::format("there is an adapter '{0}' already: choose another name, or remove it with 'hyprstream lora "
                    "delete {0}'",
                    adapter.name()));
  }
  return StoredVersion{adapter.name(), 1, directory_ / adapter.name() / "1"};
}

Result<StoredVersion> AdapterStore::add_version(const LoraAdapter& adapter, const AdapterLineage& lineage) const {
  HYPRSTREAM_TRY(check_adapter_name(adapter.name()));
  const auto home = directory_ / adapter.name();
  auto manifest = describe_adapter(adapter, lineage);
  manifest.created_at = utc_now();
  HYPRSTREAM_ASSIGN(auto staged, StagedDirectory::create(directory_));
  while (true) {
    const auto present = versions(adapter.name());
    if (present.empty())
      return fail(ErrorCode::kNotFound, std::format("there is no adapter '{}' to add a version to", adapter.name()));
    manifest.version = present.back().version + 1;
    HYPRSTREAM_TRY(write_version(adapter, manifest, staged.path()));
    const auto target = home / std::to_string(manifest.version);
    const auto published = staged.publish(target);
    if (published) return StoredVersion{adapter.name(), manifest.version, target};
    // Somebody else took the number.
    if (published.error().code != ErrorCode::kAlreadyExists) return std::unexpected(published.error());
  }
}

std::vector<StoredVersion> AdapterStore::versions(std::string_view name) const {
  std::vector<StoredVersion> found;
  if (!is_valid_adapter_name(name)) return found;
  const auto home = directory_ / name;
  if (!is_real_directory(home)) return found;
  for (const auto& entry : entries_of(home))
    if (const auto version = parse_version(entry); version && is_real_directory(home / entry))
      found.push_back({std::string(name), *version, home / entry});
  std::ranges::sort(found, {}, &StoredVersion::version);
  return found;
}

std::vector<StoredVersion> AdapterStore::list() const {
  auto names = entries_of(directory_);
  std::ranges::sort(names);
  std::vector<StoredVersion> newest;
  for (const auto& name : names)
    if (auto all = versions(name); !all.empty()) newest.push_back(std::move(all.back()));
  return newest;
}

Result<StoredVersion> AdapterStore::find_by_id(std::string_view prefix) const {
  std::optional<StoredVersion> found;
  for (auto& version : list()) {
    const auto described = manifest(version);
    if (!described || !described->description.id.starts_with(prefix)) continue;
    if (found)
      return fail(ErrorCode::kInvalidArgument, std::format("'{}' begins the ids of two adapters, '{}' and '{}': give a "
                                                           "name or more of the id",
                                                           prefix, found->name, version.name));
    found = std::move(version);
  }
  if (!found) return fail(ErrorCode::kNotFound, {});
  return *found;
}

Result<StoredVersion> AdapterStore::find(std::string_view reference) const {
  const auto at = reference.find('@');
  const auto name = reference.substr(0, at);
  HYPRSTREAM_TRY(check_adapter_name(name));
  auto all = versions(name);
  if (at != std::string_view::npos) {
    const auto number = parse_version(reference.substr(at + 1));
    if (!number)
      return fail(
          ErrorCode::kInvalidArgument,
          std::format("'{}' is no version of an adapter: give a number, as in {}@1", reference.substr(at + 1), name));
    if (!all.empty()) {
      const auto version = std::ranges::find(all, *number, &StoredVersion::version);
      if (version != all.end()) return *version;
      return fail(ErrorCode::kNotFound,
                  std::format("adapter '{}' has no version {}: its newest is {}", name, *number, all.back().version));
    }
  }
  if (!all.empty()) return all.back();
  if (name.size() >= kShortestId) {
    auto by_id = find_by_id(name);
    if (by_id || by_id.error().code != ErrorCode::kNotFound) return by_id;
  }
  std::vector<std::string> names;
  for (const auto& version : list()) names.push_back(version.name);
  const auto nearest = nearest_match(name, names);
  return fail(ErrorCode::kNotFound,
              std::format("there is no adapter '{}'{}", name,
                          nearest ? std::format(": did you mean '{}'?", *nearest)
                                  : std::string(": 'hyprstream lora list' shows those that are there")));
}

Result<AdapterManifest> AdapterStore::manifest(const StoredVersion& version) const {
  const auto path = version.directory / kManifestFile;
  HYPRSTREAM_ASSIGN(const auto file, MappedFile::open(path));
  HYPRSTREAM_ASSIGN(auto manifest, parse_manifest(file.text(), path.string()));
  if (manifest.description.name != version.name || manifest.version != version.version)
    return fail(ErrorCode::kCorrupt, std::format("{} describes {}@{}: the folder was moved or changed", path.string(),
                                                 manifest.description.name, manifest.version));
  return manifest;
}

Result<LoraAdapter> AdapterStore::load(const StoredVersion& version, bool verify) const {
  if (verify) {
    HYPRSTREAM_ASSIGN(const auto described, manifest(version));
    HYPRSTREAM_ASSIGN(const auto hash, sha256_file(version.adapter_file()));
    if (hash != described.sha256)
      return fail(ErrorCode::kCorrupt,
                  std::format("{} is damaged: its SHA-256 is not the manifest's", version.adapter_file().string()));
  }
  return read_adapter_file(version.adapter_file());
}

Result<void> AdapterStore::remove(const StoredVersion& version) const {
  HYPRSTREAM_TRY(remove_directory(version.directory, directory_));
  // With the last version the name goes; with any left this fails, and nothing is lost.
  std::error_code ignored;
  std::filesystem::remove(directory_ / version.name, ignored);
  return {};
}

Result<void> AdapterStore::remove_all(std::string_view name) const {
  HYPRSTREAM_TRY(check_adapter_name(name));
  if (versions(name).empty()) return fail(ErrorCode::kNotFound, std::format("there is no adapter '{}'", name));
  return remove_directory(directory_ / name, directory_);
}

}  // namespace hyprstream
