#include "base/mapped_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/file_descriptor.hpp"

namespace hyprstream {

Result<MappedFile> MappedFile::open(const std::filesystem::path& path) {
  // O_NONBLOCK: a FIFO is refused below instead of being waited for.
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) return fail_errno("cannot open " + path.string(), errno);
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return fail_errno("cannot open " + path.string(), errno);
  if (S_ISDIR(status.st_mode)) return fail(ErrorCode::kInvalidArgument, path.string() + " is a directory, not a file");
  if (!S_ISREG(status.st_mode)) return fail(ErrorCode::kInvalidArgument, path.string() + " is not a regular file");
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size == 0) return MappedFile({});
  void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (address == MAP_FAILED) return fail_errno("cannot open " + path.string(), errno);
  return MappedFile({static_cast<const std::byte*>(address), size});
}

MappedFile::MappedFile(MappedFile&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  return *this;
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

Result<std::string> read_whole_file(const std::filesystem::path& path) {
  HYPRSTREAM_ASSIGN(const auto file, MappedFile::open(path));
  return std::string(file.text());
}

}  // namespace hyprstream
