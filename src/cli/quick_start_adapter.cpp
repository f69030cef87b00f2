#include "cli/quick_start_adapter.hpp"

#include <format>
#include <random>
#include <utility>

#include "adapter_files/new_adapter.hpp"

namespace hyprstream {

Result<void> add_quick_start_adapter(const QuickStartAdapter& wanted, const std::string& model_path,
                                     LoadedEngine& loaded, Console& console) {
  HYPRSTREAM_ASSIGN(auto base, read_base_model(model_path));
  const AdapterRecipe recipe{
      .spec = {.name = {}, .rank = wanted.rank, .seed = wanted.seed ? *wanted.seed : std::random_device()()},
      .sparsity = {}};
  HYPRSTREAM_ASSIGN(auto sparse, make_adapter(base, recipe));
  auto stored = AdapterStore::of_user().create(sparse, created_lineage(recipe, model_path));
  if (!stored) {
    console.status("hyprstream: the adapter is used but not kept: " + stored.error().message);
    stored = StoredVersion{sparse.name(), 1, {}};
  }
  auto* engine = loaded.enable_adapters(std::move(base));
  loaded.adapters.push_back({*stored, {std::make_shared<const LoraAdapter>(std::move(sparse)), 1}});
  return engine->set_default_adapters(adapter_list(loaded.adapters));
}

Result<AdapterEffect> measure_generation(const LoadedEngine& loaded, const std::string& prompt,
                                         const GenerationResult& result) {
  auto& engine = dynamic_cast<LoraEngine&>(*loaded.engine);
  HYPRSTREAM_ASSIGN(auto tokens, engine.tokenize(prompt, {.add_special = true, .parse_special = false}));
  tokens.append_range(result.tokens);
  return measure_effect(engine, tokens, {}, adapter_list(loaded.adapters));
}

}  // namespace hyprstream
