// The adapter that `quick-start --create-lora` makes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "adapter_engine/adapter_effect.hpp"
#include "cli_options/adapter_choice.hpp"
#include "cli_options/engine_flags.hpp"
#include "runtime/generation.hpp"
#include "terminal/console.hpp"

namespace hyprstream {

struct QuickStartAdapter {
  std::size_t rank = 8;
  std::optional<std::uint32_t> seed;  // unset: a random one
};

// Makes the adapter, 99% sparse, and stores it like any other; where that fails it says so on the console's status,
// and the adapter is used all the same. It acts on the engine's sequences from then on.
// Errors: those of read_base_model(), make_lora_adapter() and sparsify().
Result<void> add_quick_start_adapter(const QuickStartAdapter& wanted, const std::string& model_path,
                                     LoadedEngine& loaded, Console& console);

// What the engine's adapters did to the predictions on the prompt and the text. Errors: those of measure_effect().
Result<AdapterEffect> measure_generation(const LoadedEngine& loaded, const std::string& prompt,
                                         const GenerationResult& result);

}  // namespace hyprstream
