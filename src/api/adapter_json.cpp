#include "api/adapter_json.hpp"

#include <algorithm>

namespace hyprstream {

ApiResult<nlohmann::ordered_json> adapter_json(const ApiContext& context, const StoredVersion& version, bool whole) {
  HYPRSTREAM_ASSIGN(const auto manifest, context.adapters->store().manifest(version).transform_error(http_error));
  const auto& about = manifest.description;
  nlohmann::ordered_json modules = nlohmann::ordered_json::array();
  for (const auto module : about.target_modules) modules.push_back(linear_module_name(module));
  nlohmann::ordered_json origin = {{"kind", lineage_kind_name(manifest.lineage.kind)}};
  if (!manifest.lineage.source.empty()) origin["source"] = manifest.lineage.source;
  for (const auto& [name, value] : manifest.lineage.parameters)
    if (name != "base_path") origin[name] = value;
  const auto state = context.adapters->state();
  const bool loaded = std::ranges::any_of(state.adapters, [&](const ResidentAdapter& resident) {
    return resident.adapter.name == version.name && resident.adapter.version == version.version;
  });
  nlohmann::ordered_json json = {{"name", version.name},
                                 {"object", "adapter"},
                                 {"version", version.version},
                                 {"id", about.id},
                                 {"parent", context.model_id},
                                 {"rank", about.rank},
                                 {"alpha", about.alpha},
                                 {"target_modules", std::move(modules)},
                                 {"sparsity", manifest.sparsity()},
                                 {"nnz", manifest.nnz},
                                 {"bytes", manifest.file_bytes},
                                 {"sha256", manifest.sha256},
                                 {"created_at", manifest.created_at},
                                 {"origin", std::move(origin)},
                                 {"loaded", loaded},
                                 {"hidden", context.adapters->is_hidden(version.name)}};
  if (!whole) return json;
  json["versions"] = nlohmann::ordered_json::array();
  for (const auto& other : context.adapters->store().versions(version.name)) json["versions"].push_back(other.version);
  json["weights"] = nlohmann::ordered_json::array();
  for (const auto& pair : manifest.pairs)
    json["weights"].push_back({{"layer", pair.id.layer},
                               {"module", linear_module_name(pair.id.module)},
                               {"rank", pair.rank},
                               {"nnz", pair.nnz},
                               {"sparsity", pair.sparsity()},
                               {"norm", pair.norm}});
  return json;
}

}  // namespace hyprstream
