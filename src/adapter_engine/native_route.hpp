// The dense way of applying adapters: llama.cpp's own mechanism, which knows one list of adapters for a
// whole step. Sequences with different lists are evaluated one list after another.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <vector>

#include "adapter_engine/adapter_list.hpp"
#include "base/error.hpp"
#include "runtime/engine.hpp"

namespace hyprstream {

// Not thread-safe; must not outlive the engine.
class NativeRoute {
 public:
  explicit NativeRoute(RuntimeEngine& engine) noexcept : engine_(engine) {}

  // `adapters[i]` acts on `inputs[i]`. Errors: those of RuntimeEngine::step() and load_native_adapter(). After one
  // the sequences are as they were before.
  Result<StepOutput> step(std::span<const StepInput> inputs, std::span<const AdapterList* const> adapters,
                          bool want_hidden);

 private:
  struct Loaded {
    std::weak_ptr<const LoraAdapter> source;
    std::unique_ptr<NativeAdapter> adapter;
  };
  struct Group;

  Result<void> activate(const AdapterList& adapters);
  Result<const NativeAdapter*> load(const std::shared_ptr<const LoraAdapter>& adapter);
  void drop_unused();
  // A copy that lives until the next step: the engine's own rows end with the next group's.
  std::span<const float> keep(std::span<const float> row);

  RuntimeEngine& engine_;
  std::map<const LoraAdapter*, Loaded> loaded_;
  std::vector<std::vector<float>> rows_;
};

}  // namespace hyprstream
