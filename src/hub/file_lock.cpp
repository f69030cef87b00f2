#include "hub/file_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <chrono>
#include <system_error>
#include <thread>

namespace hyprstream {

Result<FileLock> FileLock::take(const std::filesystem::path& path, const std::function<bool()>& waiting) {
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);
  const std::string what = "cannot lock " + path.string();
  if (error) return fail_errno(what, error.value());
  // Others of the group may wait for it too, as with huggingface_hub.
  FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0664));
  if (!file) return fail_errno(what, errno);
  while (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == ENOSYS || errno == ENOTSUP || errno == ENOLCK) break;
    if (errno != EWOULDBLOCK && errno != EINTR) return fail_errno(what, errno);
    if (waiting && !waiting()) return fail(ErrorCode::kCancelled, "interrupted");
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  return FileLock(std::move(file));
}

}  // namespace hyprstream
