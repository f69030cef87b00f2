#include "hub/cache_content.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <format>
#include <fstream>
#include <map>
#include <set>
#include <system_error>
#include <utility>

#include "base/git_blob_id.hpp"
#include "base/sha256.hpp"
#include "gguf/gguf_file.hpp"
#include "hub/names.hpp"

namespace hyprstream {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::system_clock;

// Branches and tags of a repository by the commit they name.
std::multimap<std::string, std::string> read_refs(const fs::path& repository) {
  std::multimap<std::string, std::string> names;
  std::error_code error;
  const auto refs = repository / "refs";
  for (fs::recursive_directory_iterator at(refs, error), end; !error && at != end; at.increment(error)) {
    std::error_code ignored;
    if (!fs::is_regular_file(at->path(), ignored)) continue;
    std::string commit;
    std::ifstream(at->path()) >> commit;
    if (is_commit(commit)) names.emplace(std::move(commit), at->path().lexically_relative(refs).string());
  }
  return names;
}

std::vector<CachedFile> read_files(const fs::path& snapshot) {
  std::vector<CachedFile> files;
  std::error_code error;
  for (fs::recursive_directory_iterator at(snapshot, error), end; !error && at != end; at.increment(error)) {
    struct stat status{};
    if (::stat(at->path().c_str(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
    std::error_code ignored;
    CachedFile file{.name = at->path().lexically_relative(snapshot).string(),
                    .path = at->path(),
                    .blob = fs::canonical(at->path(), ignored),
                    .etag = {},
                    .size = static_cast<std::uint64_t>(status.st_size),
                    .last_used = Clock::from_time_t(std::max(status.st_atime, status.st_mtime))};
    if (fs::is_symlink(at->path(), ignored) && is_blob_name(file.blob.filename().string()))
      file.etag = file.blob.filename().string();
    files.push_back(std::move(file));
  }
  std::ranges::sort(files, {}, &CachedFile::name);
  return files;
}

std::vector<CachedSnapshot> read_repository(const std::string& repository, const fs::path& directory) {
  const auto refs = read_refs(directory);
  std::vector<CachedSnapshot> snapshots;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory / "snapshots", error)) {
    CachedSnapshot snapshot{
        .repository = repository, .commit = entry.path().filename().string(), .revisions = {}, .files = {}};
    if (!is_commit(snapshot.commit)) continue;
    const auto [first, last] = refs.equal_range(snapshot.commit);
    for (auto at = first; at != last; ++at) snapshot.revisions.push_back(at->second);
    snapshot.files = read_files(entry.path());
    snapshots.push_back(std::move(snapshot));
  }
  std::ranges::sort(snapshots, {}, &CachedSnapshot::commit);
  return snapshots;
}

std::vector<RepositoryFile> as_repository_files(const CachedSnapshot& snapshot) {
  std::vector<RepositoryFile> files;
  for (const auto& file : snapshot.files) files.push_back({.path = file.name, .size = file.size, .sha256 = {}});
  return files;
}

Result<std::vector<RepositoryFile>> selected(const CachedSnapshot& snapshot, const HubReference& reference) {
  const auto files = as_repository_files(snapshot);
  if (!reference.file && !reference.quantization) return files;
  auto chosen = reference.file ? choose_file(files, *reference.file, reference.repository)
                               : choose_variant(files, reference.quantization, reference.repository);
  if (!chosen) return std::unexpected(std::move(chosen).error());
  return std::move(chosen->files);
}

Result<void> remove_file(const fs::path& path) {
  std::error_code error;
  fs::remove(path, error);
  if (error) return fail_errno("cannot remove " + path.string(), error.value());
  return {};
}

// Folders that are empty now, from the deepest up to `top` itself.
void remove_empty_folders(const fs::path& top) {
  std::vector<fs::path> folders{top};
  std::error_code error;
  for (fs::recursive_directory_iterator at(top, error), end; !error && at != end; at.increment(error)) {
    std::error_code ignored;
    if (!at->is_symlink(ignored) && at->is_directory(ignored)) folders.push_back(at->path());
  }
  std::ranges::sort(folders, std::ranges::greater{}, [](const fs::path& path) { return path.string().size(); });
  for (const auto& folder : folders) fs::remove(folder, error);  // only if it is empty
}

}  // namespace

std::vector<GgufVariant> CachedSnapshot::variants() const { return group_variants(as_repository_files(*this)); }

const CachedFile* CachedSnapshot::find(const std::string& name) const noexcept {
  const auto found = std::ranges::find(files, name, &CachedFile::name);
  return found == files.end() ? nullptr : &*found;
}

Result<std::vector<CachedSnapshot>> read_cache(const HubCache& cache) {
  std::map<std::string, fs::path> repositories;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(cache.root(), error))
    if (auto repository = repository_of_directory(entry.path().filename().string()))
      repositories.emplace(std::move(*repository), entry.path());
  if (error && error != std::errc::no_such_file_or_directory)
    return fail_errno("cannot read the model cache " + cache.root().string(), error.value());
  std::vector<CachedSnapshot> snapshots;
  for (const auto& [repository, directory] : repositories)
    snapshots.append_range(read_repository(repository, directory));
  return snapshots;
}

Result<CacheRemoval> plan_removal(const HubCache& cache, const HubReference& reference) {
  const auto snapshots = read_repository(reference.repository, cache.repository_directory(reference.repository));
  CacheRemoval removal{.repository = reference.repository, .files = {}};
  std::optional<Error> why;
  for (const auto& snapshot : snapshots) {
    const bool is_meant = reference.revision == "main" || snapshot.commit == reference.revision ||
                          std::ranges::contains(snapshot.revisions, reference.revision);
    if (!is_meant) continue;
    auto files = selected(snapshot, reference);
    if (!files) {
      why = std::move(files).error();
      continue;
    }
    for (const auto& file : *files) removal.files.push_back(*snapshot.find(file.path));
  }
  if (removal.files.empty())
    return fail(
        ErrorCode::kNotFound,
        why ? why->message
            : std::format("{} is not in the model cache: hyprstream model list shows what is", reference.text()));
  std::set<fs::path> going;
  for (const auto& file : removal.files) going.insert(file.path);
  std::set<fs::path> counted;
  for (const auto& snapshot : snapshots)
    for (const auto& file : snapshot.files)
      if (!going.contains(file.path)) counted.insert(file.blob);  // stays
  for (const auto& file : removal.files)
    if (counted.insert(file.blob).second) removal.bytes += file.size;
  return removal;
}

Result<void> remove_from_cache(const HubCache& cache, const CacheRemoval& removal,
                               const std::function<bool()>& waiting) {
  const auto directory = cache.repository_directory(removal.repository);
  for (const auto& file : removal.files) HYPRSTREAM_TRY(remove_file(file.path));
  std::set<std::string> blobs;
  for (const auto& file : removal.files)
    if (!file.etag.empty()) blobs.insert(file.etag);
  for (const auto& etag : blobs) {
    HYPRSTREAM_ASSIGN(const auto lock, cache.lock(removal.repository, etag, waiting));
    // Looked at again under the lock: a pull may have linked it meanwhile.
    bool used = false;
    for (const auto& snapshot : read_repository(removal.repository, directory))
      used = used || std::ranges::contains(snapshot.files, etag, &CachedFile::etag);
    if (used) continue;
    HYPRSTREAM_TRY(remove_file(cache.blob_path(removal.repository, etag)));
    HYPRSTREAM_TRY(remove_file(cache.state_path(removal.repository, etag)));
  }
  // A revision must not name a snapshot that is gone: huggingface_hub takes that for damage.
  std::error_code error;
  remove_empty_folders(directory / "snapshots");
  for (const auto& [commit, name] : read_refs(directory))
    if (!fs::exists(cache.snapshot_directory(removal.repository, commit), error))
      HYPRSTREAM_TRY(remove_file(directory / "refs" / name));
  if (fs::exists(directory / "snapshots", error)) return {};
  // Nothing is left but what was never finished.
  fs::remove_all(directory, error);
  if (error) return fail_errno("cannot remove " + directory.string(), error.value());
  return {};
}

Result<void> verify_file(const CachedFile& file) {
  if (!file.etag.empty()) {
    HYPRSTREAM_ASSIGN(const auto digest, file.etag.size() == 64 ? sha256_file(file.blob) : git_blob_id(file.blob));
    if (digest != file.etag)
      return fail(ErrorCode::kCorrupt, std::format("has the digest {} instead of {}", digest, file.etag));
  }
  if (!file.name.ends_with(".gguf")) return {};
  const auto gguf = GgufFile::open(file.path);
  return gguf ? Result<void>() : std::unexpected(gguf.error());
}

}  // namespace hyprstream
