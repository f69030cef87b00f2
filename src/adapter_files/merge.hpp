// Merging adapters into a copy of their base model.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <span>

#include "adapter/lora_adapter.hpp"
#include "gguf/tensor_type.hpp"

namespace hyprstream {

struct WeightedAdapter {
  const LoraAdapter* adapter = nullptr;
  float scale = 1;
};

struct MergeOptions {
  // The type of changed weights in the output; unset: each keeps its own.
  std::optional<TensorType> type;
};

// Called with the share done, 0 to 1; false cancels.
using MergeProgress = std::function<bool(float)>;

// Writes a GGUF with every target weight replaced by W' and everything else as it was (metadata, other
// tensors bit by bit). Memory: one tensor at a time. Errors: those of check_fits(), kUnsupported (a type that cannot
// be made without an importance matrix), kAlreadyExists (`output` is the base itself), those of GgufWriter::finish().
Result<void> merge_adapters(const std::filesystem::path& base, std::span<const WeightedAdapter> adapters,
                            const std::filesystem::path& output, const MergeOptions& options,
                            const MergeProgress& progress = {});

}  // namespace hyprstream
