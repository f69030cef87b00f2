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

// Called with the share done, 0 to 1, on the caller's thread; false cancels.
using MergeProgress = std::function<bool(float)>;

// Writes a GGUF with every target weight replaced by W' = W + sum of scale * scaling * B * A, and everything else as it
// was: metadata, other tensors, and of the changed ones every block (block_elements()) that the delta leaves alone, bit
// by bit, unless its type changes. A model in several files becomes one file.
//
// The output says where it comes from: hyprstream.merge.base.name and .base.header_sha256 (those of the first merge, if
// the base is the output of one), and hyprstream.merge.adapters ("ID NAME SCALE" each, oldest first). If a weight gets
// another type, general.file_type is left out.
//
// Memory: a piece of one tensor at a time. Uses usable_cores() threads.
// Errors: kInvalidArgument (no adapter; a scale, or a value of W', that is not finite or too large for its type; rows
// that are not whole blocks of the type), those of read_base_model() and check_fits(), kUnsupported (a type that cannot
// be made without an importance matrix), kAlreadyExists (`output` is the base itself), kCancelled, those of
// GgufWriter::finish().
Result<void> merge_adapters(const std::filesystem::path& base, std::span<const WeightedAdapter> adapters,
                            const std::filesystem::path& output, const MergeOptions& options,
                            const MergeProgress& progress = {});

}  // namespace hyprstream
