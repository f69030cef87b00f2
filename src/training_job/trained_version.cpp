#include "training_job/trained_version.hpp"

#include <algorithm>
#include <format>
#include <ranges>
#include <utility>

namespace hyprstream {
namespace {

using Parameter = std::pair<std::string, std::string>;

bool is_of(const AdapterLineage& lineage, const TrainingRunRecord& record) {
  return lineage.kind == AdapterLineage::Kind::kTrained && lineage.source == record.id &&
         std::ranges::contains(lineage.parameters, Parameter{"step", std::to_string(record.step)});
}

AdapterLineage lineage_of(const TrainingRunRecord& record) {
  const auto& options = record.options;
  AdapterLineage lineage{.kind = AdapterLineage::Kind::kTrained,
                         .source = record.id,
                         .parent_sha256 = {},
                         .parameters = {{"step", std::to_string(record.step)},
                                        {"steps", std::to_string(record.total_steps)},
                                        {"data", options.data},
                                        {"examples", std::to_string(record.examples)},
                                        {"learning_rate", std::format("{:g}", options.learning_rate)},
                                        {"seed", std::to_string(options.seed)}}};
  if (record.base_validation_loss)
    lineage.parameters.emplace_back("base_validation_loss", std::format("{:.4f}", *record.base_validation_loss));
  if (record.validation_loss)
    lineage.parameters.emplace_back("validation_loss", std::format("{:.4f}", *record.validation_loss));
  lineage.parameters.emplace_back("base_path", options.base);
  return lineage;
}

}  // namespace

Result<StoredVersion> store_trained_version(const AdapterStore& store, const LoraAdapter& adapter,
                                            const TrainingRunRecord& record) {
  const std::string& name = record.options.name;
  for (const auto& version : std::views::reverse(store.versions(name)))
    if (const auto manifest = store.manifest(version); manifest && is_of(manifest->lineage, record)) return version;
  auto description = adapter.description();
  description.id = make_uuid();
  description.name = name;
  description.requested_sparsity = record.options.sparsity;
  HYPRSTREAM_ASSIGN(const auto named, adapter.with_description(std::move(description)));
  const auto lineage = lineage_of(record);
  if (store.versions(name).empty()) {
    auto created = store.create(named, lineage);
    // Somebody may have made one of that name meanwhile.
    if (created || created.error().code != ErrorCode::kAlreadyExists) return created;
  }
  return store.add_version(named, lineage);
}

}  // namespace hyprstream
