// The ways of an adapter into the store, the same for the command line and the server.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "adapter/lora_init.hpp"
#include "adapter_files/adapter_store.hpp"
#include "base/error.hpp"

namespace hyprstream {

constexpr double kDefaultSparsity = 0.99;

struct AdapterRecipe {
  LoraSpec spec;
  // 0 to below 1. Not set: kDefaultSparsity for values that can be pruned, none for LoraInit::kStandard.
  std::optional<double> sparsity;
};

// Errors: those of make_lora_adapter() and sparsify().
Result<LoraAdapter> make_adapter(const BaseModel& base, const AdapterRecipe& recipe);

// `model`: the base model's file.
AdapterLineage created_lineage(const AdapterRecipe& recipe, const std::filesystem::path& model);

// Errors: those of make_adapter() and AdapterStore::create().
Result<StoredVersion> create_adapter(const AdapterStore& store, const BaseModel& base, const AdapterRecipe& recipe,
                                     const std::filesystem::path& model);

struct AdapterImport {
  std::filesystem::path path;       // as import_adapter() takes it
  std::filesystem::path shown_as;   // what the file is called in the lineage, and may name the adapter
  std::optional<std::string> name;  // none: the adapter's own, else that of shown_as, else one made from its id
  bool new_version = false;         // of a name that is there; else a taken name is an error
};

struct ImportedAdapter {
  StoredVersion version;
  bool changes_anything = true;
};

// Errors: those of import_adapter(), AdapterStore::create() and add_version().
Result<ImportedAdapter> import_into_store(const AdapterStore& store, const BaseModel& base, const AdapterImport& import,
                                          const std::filesystem::path& model);

}  // namespace hyprstream
