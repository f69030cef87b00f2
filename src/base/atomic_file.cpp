#include "base/atomic_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <system_error>
#include <utility>

namespace hyprstream {
namespace {

std::filesystem::path directory_of(const std::filesystem::path& path) {
  const auto parent = path.parent_path();
  return parent.empty() ? std::filesystem::path(".") : parent;
}

// mkostemp makes files for the owner alone; a published file gets the usual rights.
mode_t usual_file_mode() {
  const mode_t mask = ::umask(0);
  ::umask(mask);
  return static_cast<mode_t>(0666) & ~mask;
}

}  // namespace

Result<AtomicFile> AtomicFile::create(std::filesystem::path path) {
  if (path.filename().empty())
    return fail(ErrorCode::kInvalidArgument, "'" + path.string() + "' does not name a file to write");
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    return fail(ErrorCode::kInvalidArgument, path.string() + " is a directory: name a file to write");
  std::string pattern = (directory_of(path) / ("." + path.filename().string() + ".XXXXXX")).string();
  FileDescriptor file(::mkostemp(pattern.data(), O_CLOEXEC));
  if (!file) return fail_errno("cannot write " + path.string(), errno);
  return AtomicFile(std::move(path), std::move(pattern), std::move(file));
}

AtomicFile::AtomicFile(std::filesystem::path path, std::filesystem::path partial, FileDescriptor file) noexcept
    : path_(std::move(path)), partial_(std::move(partial)), file_(std::move(file)) {}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : path_(std::move(other.path_)),
      partial_(std::exchange(other.partial_, {})),
      file_(std::move(other.file_)),
      bytes_written_(other.bytes_written_) {}

AtomicFile::~AtomicFile() {
  if (partial_.empty()) return;
  std::error_code ignored;
  std::filesystem::remove(partial_, ignored);
}

Result<void> AtomicFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file_.get(), bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return fail_errno("writing " + path_.string() + " failed, nothing was kept", errno);
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    bytes_written_ += static_cast<std::uint64_t>(written);
  }
  return {};
}

Result<void> AtomicFile::publish() {
  const std::string what = "writing " + path_.string() + " failed, nothing was kept";
  if (::fchmod(file_.get(), usual_file_mode()) != 0) return fail_errno(what, errno);
  if (::fsync(file_.get()) != 0) return fail_errno(what, errno);
  if (::rename(partial_.c_str(), path_.c_str()) != 0) return fail_errno(what, errno);
  partial_.clear();
  file_.reset();
  const FileDescriptor directory(::open(directory_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory || ::fsync(directory.get()) != 0)
    return fail_errno("syncing the directory of " + path_.string(), errno);
  return {};
}

Result<void> write_whole_file(const std::filesystem::path& path, std::string_view text) {
  HYPRSTREAM_ASSIGN(auto file, AtomicFile::create(path));
  HYPRSTREAM_TRY(file.write(text));
  return file.publish();
}

}  // namespace hyprstream
