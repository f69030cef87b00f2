// The options that say how a model is run, and loading it with them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adapter_engine/lora_engine.hpp"
#include "base/error.hpp"
#include "cli_options/adapter_choice.hpp"
#include "command_line/argument_list.hpp"
#include "runtime/engine.hpp"
#include "terminal/console.hpp"
#include "terminal/interrupt.hpp"

namespace hyprstream {

struct EngineFlags {
  std::optional<int> threads;
  std::optional<int> ctx_size;
  std::string kv_cache_type = "f16";
  bool deterministic = false;

  // `short_names`: also -t and -c; for commands that do not use them otherwise.
  void declare(ArgumentList& arguments, bool short_names = true);
};

// What a command needs of the engine.
struct EngineNeeds {
  int max_sequences = 1;
  int max_outputs = 1;  // rows of logits of one step
  KvCacheLayout kv_cache_layout = KvCacheLayout::kShared;
};

struct LoadedEngine {
  // Puts a LoraEngine around the engine; `base` is of the same model.
  LoraEngine* enable_adapters(BaseModel base);

  std::unique_ptr<RuntimeEngine> engine;
  double load_seconds = 0;
  std::vector<ChosenAdapter> adapters;  // that act on it
  InterruptWatch watch;                 // after the engine, so that it ends first
};

// Loads the model, with a progress line on a terminal if that takes a while, and makes Ctrl-C
// stop the load and then the engine. Errors: those of LlamaCppEngine::create().
Result<LoadedEngine> load_engine(const EngineFlags& flags, const std::string& model_path, InterruptScope& interrupt,
                                 const EngineNeeds& needs = {});

}  // namespace hyprstream
