#include "memory_file.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace hyprstream {

MemoryFile::MemoryFile() : file_(::memfd_create("fuzz", MFD_CLOEXEC)) {
  if (!file_) {
    std::perror("memfd_create");
    std::exit(1);
  }
  path_ = "/proc/self/fd/" + std::to_string(file_.get());
}

void MemoryFile::write(std::span<const std::byte> bytes) {
  if (::ftruncate(file_.get(), static_cast<off_t>(bytes.size())) != 0 ||
      ::pwrite(file_.get(), bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    std::perror("memory file");
    std::exit(1);
  }
}

}  // namespace hyprstream
