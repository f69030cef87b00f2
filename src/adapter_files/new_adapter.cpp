#include "adapter_files/new_adapter.hpp"

#include <utility>

#include "adapter/sparsify.hpp"
#include "adapter_files/import.hpp"

namespace hyprstream {
namespace {

std::pair<std::string, std::string> base_path(const std::filesystem::path& model) {
  return {"base_path", std::filesystem::absolute(model).lexically_normal().string()};
}

std::string name_for(const LoraAdapter& adapter, const std::filesystem::path& shown_as) {
  const auto fallback = default_adapter_name(adapter.id());
  if (adapter.name() != fallback && is_valid_adapter_name(adapter.name())) return adapter.name();
  auto path = shown_as.lexically_normal();
  if (path.filename().empty()) path = path.parent_path();
  const std::string stem = path.stem().string();
  return is_valid_adapter_name(stem) ? stem : fallback;
}

}  // namespace

Result<LoraAdapter> make_adapter(const BaseModel& base, const AdapterRecipe& recipe) {
  HYPRSTREAM_ASSIGN(auto adapter, make_lora_adapter(base, recipe.spec));
  if (recipe.spec.init == LoraInit::kStandard && !recipe.sparsity) return adapter;
  return sparsify(adapter, {.sparsity = recipe.sparsity.value_or(kDefaultSparsity)});
}

AdapterLineage created_lineage(const AdapterRecipe& recipe, const std::filesystem::path& model) {
  return {.kind = AdapterLineage::Kind::kCreated,
          .source = {},
          .parent_sha256 = {},
          .parameters = {{"init", recipe.spec.init == LoraInit::kStandard ? "standard" : "gaussian"},
                         {"seed", std::to_string(recipe.spec.seed)},
                         base_path(model)}};
}

Result<StoredVersion> create_adapter(const AdapterStore& store, const BaseModel& base, const AdapterRecipe& recipe,
                                     const std::filesystem::path& model) {
  HYPRSTREAM_ASSIGN(const auto adapter, make_adapter(base, recipe));
  return store.create(adapter, created_lineage(recipe, model));
}

Result<ImportedAdapter> import_into_store(const AdapterStore& store, const BaseModel& base, const AdapterImport& import,
                                          const std::filesystem::path& model) {
  HYPRSTREAM_ASSIGN(auto adapter, import_adapter(import.path, base));
  auto description = adapter.description();
  description.name = import.name ? *import.name : name_for(adapter, import.shown_as);
  HYPRSTREAM_ASSIGN(adapter, adapter.with_description(std::move(description)));
  const AdapterLineage lineage{.kind = AdapterLineage::Kind::kImported,
                               .source = import.shown_as.lexically_normal().filename().string(),
                               .parent_sha256 = {},
                               .parameters = {base_path(model)}};
  const bool another = import.new_version && !store.versions(adapter.name()).empty();
  HYPRSTREAM_ASSIGN(auto version, another ? store.add_version(adapter, lineage) : store.create(adapter, lineage));
  return ImportedAdapter{std::move(version), adapter.changes_anything()};
}

}  // namespace hyprstream
