// Getting models and adapters from a registry into the shared cache, and finding those that are there.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "hub/downloader.hpp"
#include "hub/hub_client.hpp"
#include "hub/hub_settings.hpp"
#include "hub/reference.hpp"

namespace hyprstream {

struct PullProgress {
  enum class Stage { kWaiting, kDownloading, kFinished };  // kWaiting: another process has the file's lock

  Stage stage = Stage::kDownloading;
  std::string file;        // as in the repository
  std::size_t number = 1;  // of `count` files
  std::size_t count = 1;
  DownloadProgress bytes;  // of this file
};

struct PullOptions {
  std::function<void(const PullProgress&)> on_progress;
  std::function<bool()> cancelled;  // asked several times a second
  int connections = 6;              // per file
};

struct PulledModel {
  std::string repository;  // empty for one from an address
  std::string revision;
  std::string commit;
  std::string quantization;                  // empty if its name does not say
  std::vector<std::filesystem::path> files;  // the parts in order
  std::uint64_t size = 0;                    // bytes
  std::uint64_t fetched = 0;                 // of them, came over the network now

  const std::filesystem::path& path() const noexcept { return files.front(); }
};

// What the reference means among what the cache has; asks nobody. Errors: kNotFound; what choose_variant() says of a
// snapshot that is there.
Result<PulledModel> find_in_cache(const HubSettings& settings, const HubReference& reference);

// Asks the hub what the reference is now, and fetches what is missing. A file appears under its name when all
// of it is there, has its digest and is a GGUF. Other processes may do the same.
// Errors: those of HubClient and download_file(); kNotFound (no GGUF, no such quantization); kCorrupt (not a
// GGUF); kResourceExhausted (no room for it on the disk); those of HubCache.
Result<PulledModel> pull_model(const HubSettings& settings, const HubReference& reference, const PullOptions& options);

// The files of a PEFT adapter, adapter_config.json and adapter_model.safetensors: gives back the folder that they are
// in. Offline, from the cache alone. Errors: as above; kNotFound: the repository holds no such adapter.
Result<std::filesystem::path> pull_adapter(const HubSettings& settings, const HubReference& reference,
                                           const PullOptions& options);

}  // namespace hyprstream
