// The models on this disk that commands list, check and remove: the cache's and those from an address.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "hub/cache_content.hpp"
#include "hub/hub_settings.hpp"

namespace hyprstream {

struct LocalModel {
  std::string name;            // as a MODEL argument takes it: "org/repo:Q8_0"
  std::string quantization;    // empty if the name does not say
  std::filesystem::path path;  // of the first part
  std::uint64_t size = 0;      // bytes, all parts
  std::chrono::system_clock::time_point last_used;
};

// Sorted by name. Errors: those of read_cache().
Result<std::vector<LocalModel>> list_local_models(const HubSettings& settings);

// How a MODEL argument names a model of the snapshot.
std::string name_in_snapshot(const CachedSnapshot& snapshot, const GgufVariant& variant);

}  // namespace hyprstream
