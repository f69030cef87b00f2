#include "cli/adapter_report.hpp"

#include <cmath>
#include <format>

#include "terminal/printable.hpp"
#include "terminal/terminal.hpp"

namespace hyprstream {

std::string format_sparsity(double sparsity) {
  // 99.97% is not 100%: cut, not rounded, where there are non-zeros left.
  return std::format("{:.1f}%", std::floor(sparsity * 1000 + 1e-6) / 10);
}

std::string describe_weights(const LoraAdapter& adapter) {
  return std::format("{} of {} values, {}", adapter.nnz(), adapter.entries(), format_bytes(adapter.bytes()));
}

std::string render_manifest(const AdapterManifest& manifest) {
  const auto& description = manifest.description;
  Table table({Align::kLeft, Align::kLeft});
  const auto add = [&](std::string label, std::string_view value) {
    table.add_row({std::move(label), value.empty() ? "-" : printable_line(value)});
  };
  add("Name", description.name);
  add("Version", std::to_string(manifest.version));
  add("Id", description.id);
  add("Base model", std::format("{} ({})", description.base.name, description.base.architecture));
  add("Rank, alpha",
      std::format("{}, {:g}{}", description.rank, description.alpha, description.rank_stabilized ? " (rsLoRA)" : ""));
  add("Target modules", format_target_modules(description.target_modules));
  add("Sparsity", std::format("{} (asked for: {})", format_sparsity(manifest.sparsity()),
                              format_sparsity(description.requested_sparsity)));
  add("Non-zeros", std::format("{} of {}", manifest.nnz, manifest.entries));
  add("Size", std::format("{} (dense: {})", format_bytes(manifest.file_bytes), format_bytes(manifest.dense_bytes)));
  add("Created", manifest.created_at);
  std::string origin(lineage_kind_name(manifest.lineage.kind));
  if (!manifest.lineage.source.empty()) origin += " from " + manifest.lineage.source;
  for (const auto& [name, value] : manifest.lineage.parameters) origin += std::format(", {} {}", name, value);
  add("Origin", origin);
  add("SHA-256", manifest.sha256);
  return table.render();
}

nlohmann::ordered_json manifest_json(const StoredVersion& version, const AdapterManifest& manifest) {
  auto json = nlohmann::ordered_json::parse(format_manifest(manifest));
  json["path"] = version.adapter_file().string();
  return json;
}

std::string describe_effect(const AdapterEffect& effect) {
  return std::format("mean |Δlogit| {:.3g}, KL {:.3g} nats per token, top token changed at {} of {} positions",
                     effect.mean_logit_change, effect.kl_divergence, effect.top_changed, effect.positions);
}

nlohmann::ordered_json effect_json(const AdapterEffect& effect) {
  return {{"positions", effect.positions},
          {"top_changed", effect.top_changed},
          {"mean_logit_change", effect.mean_logit_change},
          {"kl_divergence", effect.kl_divergence}};
}

std::string json_line(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + '\n';
}

}  // namespace hyprstream
