#include "base/cpu.hpp"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <format>
#include <fstream>
#include <optional>
#include <set>
#include <string>

namespace hyprstream {
namespace {

// The CPUs that share a core with `cpu`, as the kernel writes them ("0,8"): equal text, equal core.
std::string core_of(int cpu) {
  std::ifstream file(std::format("/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list", cpu));
  std::string siblings;
  return std::getline(file, siblings) ? siblings : std::to_string(cpu);
}

// https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files: "max 100000" or "QUOTA PERIOD".
std::optional<double> quota_in_cores() {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  double quota = 0;
  double period = 0;
  if (!(file >> quota >> period) || quota <= 0 || period <= 0) return std::nullopt;
  return quota / period;
}

int count_cores() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (::sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return 1;
  std::set<std::string> cores;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(static_cast<std::size_t>(cpu), &allowed)) cores.insert(core_of(cpu));
  auto count = static_cast<int>(cores.size());
  if (const auto quota = quota_in_cores()) count = std::min(count, static_cast<int>(std::ceil(*quota)));
  return std::max(count, 1);
}

}  // namespace

int usable_cores() noexcept {
  static const int count = count_cores();
  return count;
}

}  // namespace hyprstream
