#include "cli_options/local_models.hpp"

#include <sys/stat.h>
#include <algorithm>

#include "hub/url_pull.hpp"

namespace hyprstream {

std::string name_in_snapshot(const CachedSnapshot& snapshot, const GgufVariant& variant) {
  HubReference reference{.repository = snapshot.repository, .revision = "main", .quantization = {}, .file = {}};
  if (!std::ranges::contains(snapshot.revisions, "main"))
    reference.revision = snapshot.revisions.empty() ? snapshot.commit : snapshot.revisions.front();
  const auto variants = snapshot.variants();
  const bool is_unique =
      !variant.quantization.empty() &&
      std::ranges::count(variants, variant.quantization, [](const GgufVariant& v) { return v.quantization; }) == 1;
  if (is_unique)
    reference.quantization = variant.quantization;
  else
    reference.file = variant.files.front().path;
  // Without hf:// a file would be taken for a path.
  return (reference.file ? "hf://" : "") + reference.text();
}

Result<std::vector<LocalModel>> list_local_models(const HubSettings& settings) {
  std::vector<LocalModel> models;
  HYPRSTREAM_ASSIGN(const auto snapshots, read_cache(HubCache(settings.cache)));
  for (const auto& snapshot : snapshots)
    for (const auto& variant : snapshot.variants()) {
      const auto& first = *snapshot.find(variant.files.front().path);
      models.push_back({.name = name_in_snapshot(snapshot, variant),
                        .quantization = variant.quantization,
                        .path = first.path,
                        .size = variant.size(),
                        .last_used = first.last_used});
    }
  for (const auto& model : list_url_models()) {
    struct stat status{};
    ::stat(model.path.c_str(), &status);
    models.push_back({.name = model.url,
                      .quantization = quantization_of(model.path.filename().string()),
                      .path = model.path,
                      .size = model.size,
                      .last_used = std::chrono::system_clock::from_time_t(std::max(status.st_atime, status.st_mtime))});
  }
  std::ranges::sort(models, {}, &LocalModel::name);
  return models;
}

}  // namespace hyprstream
