#include "hub/hub_cache.hpp"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <format>
#include <fstream>
#include <system_error>
#include <utility>

#include "base/atomic_file.hpp"
#include "base/git_blob_id.hpp"
#include "base/log.hpp"
#include "base/sha256.hpp"
#include "hub/names.hpp"
#include "hub/resume_state.hpp"

namespace hyprstream {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "models--";
// Larger files are not waited for: the disk may take longer than the network did. has_blob() makes up for it.
constexpr std::uint64_t kSyncedAtOnce = 32 << 20;  // bytes
constexpr std::chrono::seconds kWrittenBack{60};   // by then the kernel has written them of its own

Result<void> require(bool is_valid, std::string_view what, const std::string& name) {
  if (is_valid) return {};
  return fail(ErrorCode::kInvalidArgument, std::format("'{}' is no {}", name, what));
}

Result<void> make_directory(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  // A link to nothing is there, and cannot be made.
  for (auto at = path; error && at.has_relative_path(); at = at.parent_path())
    if (std::error_code ignored; fs::is_symlink(at, ignored) && !fs::exists(at, ignored))
      return fail(
          ErrorCode::kNotFound,
          std::format("the model cache cannot be used: {} is a link to something that is not there; make it, or "
                      "set HF_HUB_CACHE to another folder",
                      at.string()));
  if (!error) return {};
  auto failure = fail_errno("the model cache cannot be written: " + path.string(), error.value());
  if (failure.error().code == ErrorCode::kPermissionDenied)
    failure.error().message += "; set HF_HUB_CACHE to a folder that you may write to";
  return failure;
}

// A folder of the repository must not be a link to somewhere else.
Result<void> require_inside(const fs::path& directory, const fs::path& repository) {
  std::error_code error;
  const auto inside = fs::canonical(directory, error);
  const auto outside = error ? fs::path() : fs::canonical(repository, error);
  if (error) return fail_errno("cannot look at " + directory.string(), error.value());
  const auto relative = inside.lexically_relative(outside);
  if (!relative.empty() && *relative.begin() != "..") return {};
  return fail(
      ErrorCode::kPermissionDenied,
      std::format("{} leads out of the model cache, so nothing is written there: remove it", directory.string()));
}

Result<void> sync_file(const fs::path& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file || ::fdatasync(file.get()) != 0) return fail_errno("writing " + path.string() + " failed", errno);
  return {};
}

Result<bool> has_its_digest(const fs::path& blob, const std::string& etag) {
  HYPRSTREAM_ASSIGN(const auto digest, etag.size() == 64 ? sha256_file(blob) : git_blob_id(blob));
  return digest == etag;
}

}  // namespace

std::string directory_name(const std::string& repository) {
  std::string name(kPrefix);
  for (const char c : repository) {
    if (c == '/')
      name += "--";
    else
      name += c;
  }
  return name;
}

std::optional<std::string> repository_of_directory(const std::string& name) {
  if (!name.starts_with(kPrefix)) return std::nullopt;
  std::string repository = name.substr(kPrefix.size());
  if (const auto separator = repository.find("--"); separator != std::string::npos)
    repository.replace(separator, 2, "/");
  if (!is_repository_name(repository)) return std::nullopt;
  return repository;
}

fs::path HubCache::repository_directory(const std::string& repository) const {
  return root_ / directory_name(repository);
}

fs::path HubCache::snapshot_directory(const std::string& repository, const std::string& commit) const {
  return repository_directory(repository) / "snapshots" / commit;
}

fs::path HubCache::blob_path(const std::string& repository, const std::string& etag) const {
  return repository_directory(repository) / "blobs" / etag;
}

// The ending is the one that huggingface_hub counts, and clears away, as unfinished.
fs::path HubCache::partial_path(const std::string& repository, const std::string& etag) const {
  return blob_path(repository, etag + ".hyprstream.incomplete");
}

fs::path HubCache::state_path(const std::string& repository, const std::string& etag) const {
  return blob_path(repository, etag + ".hyprstream-state");
}

std::optional<std::string> HubCache::commit_of(const std::string& repository, const std::string& revision) const {
  if (!is_repository_name(repository) || !is_revision(revision)) return std::nullopt;
  if (is_commit(revision)) return revision;
  std::ifstream file(repository_directory(repository) / "refs" / revision);
  std::string commit;
  file >> commit;
  if (!is_commit(commit)) return std::nullopt;
  return commit;
}

std::vector<RepositoryFile> HubCache::files_of(const std::string& repository, const std::string& commit) const {
  std::vector<RepositoryFile> files;
  const auto directory = snapshot_directory(repository, commit);
  std::error_code error;
  for (fs::recursive_directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    std::error_code ignored;
    if (!fs::is_regular_file(at->path(), ignored)) continue;  // a folder, or a link to a blob that is gone
    const auto size = fs::file_size(at->path(), ignored);
    if (ignored) continue;
    files.push_back({.path = at->path().lexically_relative(directory).string(), .size = size, .sha256 = {}});
  }
  std::ranges::sort(files, {}, &RepositoryFile::path);
  return files;
}

Result<void> HubCache::prepare(const std::string& repository) const {
  HYPRSTREAM_TRY(require(is_repository_name(repository), "repository", repository));
  const auto directory = repository_directory(repository);
  for (const char* part : {"blobs", "snapshots", "refs"}) {
    HYPRSTREAM_TRY(make_directory(directory / part));
    HYPRSTREAM_TRY(require_inside(directory / part, directory));
  }
  if (::access((directory / "blobs").c_str(), W_OK) != 0) {
    auto failure = fail_errno("the model cache cannot be written: " + (directory / "blobs").string(), errno);
    failure.error().message += "; set HF_HUB_CACHE to a folder that you may write to";
    return failure;
  }
  return {};
}

Result<std::uint64_t> HubCache::free_space() const {
  struct statvfs status{};
  if (::statvfs(root_.c_str(), &status) != 0) return fail_errno("cannot look at " + root_.string(), errno);
  return std::uint64_t{status.f_bavail} * status.f_frsize;
}

Result<FileLock> HubCache::lock(const std::string& repository, const std::string& etag,
                                const std::function<bool()>& waiting) const {
  HYPRSTREAM_TRY(require(is_repository_name(repository), "repository", repository));
  HYPRSTREAM_TRY(require(is_blob_name(etag), "digest", etag));
  return FileLock::take(root_ / ".locks" / directory_name(repository) / (etag + ".lock"), waiting);
}

Result<bool> HubCache::has_blob(const std::string& repository, const std::string& etag) const {
  HYPRSTREAM_TRY(require(is_blob_name(etag), "digest", etag));
  const auto blob = blob_path(repository, etag);
  std::error_code error;
  if (!fs::is_regular_file(blob, error)) return false;
  const auto state = state_path(repository, etag);
  const auto record = ResumeState::read(state);
  if (!record || !record->published) return true;
  if (record->boot_id == current_boot_id()) {
    // What this start of the machine wrote is there; whether it is on the disk matters after the next.
    const auto age = fs::file_time_type::clock::now() - fs::last_write_time(state, error);
    if (error || age < kWrittenBack || !sync_file(blob)) return true;
  } else {
    log_line(LogLevel::kInfo, "checking " + blob.string() + ": the machine was restarted since it came");
    HYPRSTREAM_ASSIGN(const bool whole, has_its_digest(blob, etag));
    if (!whole) {
      log_line(LogLevel::kWarning, blob.string() + " was damaged when the machine went down, and is fetched again");
      fs::remove(blob, error);
      if (error) return fail_errno("cannot remove " + blob.string(), error.value());
      fs::remove(state, error);
      return false;
    }
    HYPRSTREAM_TRY(sync_file(blob));
  }
  fs::remove(state, error);
  return true;
}

Result<void> HubCache::publish_blob(const std::string& repository, const std::string& etag) const {
  HYPRSTREAM_TRY(require(is_blob_name(etag), "digest", etag));
  const auto partial = partial_path(repository, etag);
  const auto state = state_path(repository, etag);
  std::error_code error;
  const auto size = fs::file_size(partial, error);
  if (error) return fail_errno("cannot look at " + partial.string(), error.value());
  const bool synced = size <= kSyncedAtOnce;
  if (synced) {
    HYPRSTREAM_TRY(sync_file(partial));
  } else {
    // Written down before the name appears, in the same file system's order.
    HYPRSTREAM_ASSIGN(auto record, ResumeState::open(state, etag, size));
    record.set_published();
  }
  fs::rename(partial, blob_path(repository, etag), error);
  if (error) return fail_errno("cannot publish " + blob_path(repository, etag).string(), error.value());
  if (synced) fs::remove(state, error);
  return {};
}

Result<fs::path> HubCache::link(const std::string& repository, const std::string& commit, const std::string& file,
                                const std::string& etag) const {
  HYPRSTREAM_TRY(require(is_repository_name(repository), "repository", repository));
  HYPRSTREAM_TRY(require(is_commit(commit), "commit", commit));
  HYPRSTREAM_TRY(require(is_blob_name(etag), "digest", etag));
  HYPRSTREAM_TRY(check_file_path(file));
  const auto snapshot = snapshot_directory(repository, commit);
  const auto path = snapshot / file;
  HYPRSTREAM_TRY(make_directory(path.parent_path()));
  HYPRSTREAM_TRY(require_inside(path.parent_path(), repository_directory(repository)));
  fs::path target;
  for (auto depth = 2 + std::ranges::count(file, '/'); depth > 0; --depth) target /= "..";
  target = target / "blobs" / etag;
  std::error_code error;
  if (fs::read_symlink(path, error) == target && !error) return path;
  // Made beside it and renamed over it, so that the old file is there until the new one is.
  const fs::path fresh = path.parent_path() / std::format(".{}.{}", etag.substr(0, 16), ::getpid());
  fs::remove(fresh, error);
  fs::create_symlink(target, fresh, error);
  if (error) return fail_errno("cannot write " + path.string(), error.value());
  fs::rename(fresh, path, error);
  if (error) {
    const int reason = error.value();
    fs::remove(fresh, error);
    return fail_errno("cannot write " + path.string(), reason);
  }
  return path;
}

Result<void> HubCache::write_ref(const std::string& repository, const std::string& revision,
                                 const std::string& commit) const {
  HYPRSTREAM_TRY(require(is_revision(revision), "revision", revision));
  HYPRSTREAM_TRY(require(is_commit(commit), "commit", commit));
  if (revision == commit || commit_of(repository, revision) == commit) return {};
  const auto path = repository_directory(repository) / "refs" / revision;
  HYPRSTREAM_TRY(make_directory(path.parent_path()));
  HYPRSTREAM_TRY(require_inside(path.parent_path(), repository_directory(repository)));
  return write_whole_file(path, commit);
}

}  // namespace hyprstream
