#include "base/memory.hpp"

#include <algorithm>
#include <fstream>
#include <string>

namespace hyprstream {
namespace {

// https://docs.kernel.org/filesystems/proc.html#meminfo: "MemAvailable:   22891004 kB".
std::optional<std::size_t> free_in_system() {
  std::ifstream file("/proc/meminfo");
  std::string name;
  std::size_t kilobytes = 0;
  std::string unit;
  while (file >> name >> kilobytes) {
    if (name == "MemAvailable:") return kilobytes << 10;
    std::getline(file, unit);
  }
  return std::nullopt;
}

// https://docs.kernel.org/admin-guide/cgroup-v2.html#memory-interface-files; memory.max is "max" without a limit.
std::optional<std::size_t> free_in_group() {
  std::ifstream most_file("/sys/fs/cgroup/memory.max");
  std::ifstream used_file("/sys/fs/cgroup/memory.current");
  std::size_t most = 0;
  std::size_t used = 0;
  if (!(most_file >> most) || !(used_file >> used)) return std::nullopt;
  return most - std::min(most, used);
}

}  // namespace

std::optional<std::size_t> available_memory() {
  const auto system = free_in_system();
  const auto group = free_in_group();
  if (system && group) return std::min(*system, *group);
  return system ? system : group;
}

}  // namespace hyprstream
