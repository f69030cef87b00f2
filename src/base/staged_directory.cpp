#include "base/staged_directory.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <system_error>
#include <utility>

namespace hyprstream {
namespace {

constexpr std::string_view kPrefix = ".staged-";

FileDescriptor open_directory(const std::filesystem::path& path) {
  return FileDescriptor(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

bool is_same_file(int descriptor, const std::filesystem::path& path) {
  struct stat opened{};
  struct stat named{};
  return ::fstat(descriptor, &opened) == 0 && ::lstat(path.c_str(), &named) == 0 && opened.st_ino == named.st_ino &&
         opened.st_dev == named.st_dev;
}

// Those whose process is gone: nobody holds their lock.
void remove_abandoned(const std::filesystem::path& parent) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(parent, error)) {
    if (!entry.path().filename().string().starts_with(kPrefix)) continue;
    const auto directory = open_directory(entry.path());
    if (!directory || ::flock(directory.get(), LOCK_EX | LOCK_NB) != 0) continue;
    std::error_code ignored;
    std::filesystem::remove_all(entry.path(), ignored);
  }
}

}  // namespace

Result<void> sync_directory(const std::filesystem::path& directory) {
  const auto opened = open_directory(directory);
  if (!opened || ::fsync(opened.get()) != 0) return fail_errno("syncing " + directory.string(), errno);
  return {};
}

Result<StagedDirectory> StagedDirectory::create(const std::filesystem::path& parent) {
  std::error_code error;
  std::filesystem::create_directories(parent, error);
  if (error) return fail_errno("cannot make " + parent.string(), error.value());
  remove_abandoned(parent);
  // Another process may take it for abandoned between the first line and the second.
  for (int attempt = 0; attempt < 16; ++attempt) {
    std::string pattern = (parent / (std::string(kPrefix) + "XXXXXX")).string();
    if (::mkdtemp(pattern.data()) == nullptr) return fail_errno("cannot write in " + parent.string(), errno);
    auto lock = open_directory(pattern);
    if (lock && ::flock(lock.get(), LOCK_EX | LOCK_NB) == 0 && is_same_file(lock.get(), pattern)) {
      // mkdtemp makes it for the owner alone; published, it has the usual rights.
      const mode_t mask = ::umask(0);
      ::umask(mask);
      ::fchmod(lock.get(), static_cast<mode_t>(0777) & ~mask);
      return StagedDirectory(pattern, std::move(lock));
    }
  }
  return fail(ErrorCode::kUnavailable,
              "cannot write in " + parent.string() + ": other processes remove what is made there");
}

StagedDirectory::StagedDirectory(std::filesystem::path path, FileDescriptor lock) noexcept
    : path_(std::move(path)), lock_(std::move(lock)) {}

StagedDirectory::StagedDirectory(StagedDirectory&& other) noexcept
    : path_(std::exchange(other.path_, {})), lock_(std::move(other.lock_)) {}

StagedDirectory::~StagedDirectory() {
  if (path_.empty()) return;
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Result<void> StagedDirectory::publish(const std::filesystem::path& target) {
  HYPRSTREAM_TRY(sync_directory(path_));
  // A directory replaces another by rename(2) only if that one is empty.
  if (::rename(path_.c_str(), target.c_str()) != 0) {
    if (errno == EEXIST || errno == ENOTEMPTY || errno == ENOTDIR)
      return fail(ErrorCode::kAlreadyExists, target.string() + " is there already");
    return fail_errno("cannot make " + target.string(), errno);
  }
  path_.clear();
  lock_.reset();
  return sync_directory(target.parent_path());
}

Result<void> remove_directory(const std::filesystem::path& directory, const std::filesystem::path& parent_of_staged) {
  HYPRSTREAM_ASSIGN(const auto staged, StagedDirectory::create(parent_of_staged));
  if (::rename(directory.c_str(), (staged.path() / "removed").c_str()) != 0)
    return fail_errno("cannot remove " + directory.string(), errno);
  return sync_directory(directory.parent_path());
}

}  // namespace hyprstream
