// Adapters that a file keeps dense, as LoraAdapter: what the importers of other formats share.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "adapter/lora_adapter.hpp"
#include "gguf/tensor_type.hpp"

namespace hyprstream {

// A matrix in a file, row by row, little endian.
struct DenseMatrix {
  std::string_view name;  // the tensor's, for messages
  TensorType type = TensorType::kF32;
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::span<const std::byte> bytes;
};

struct DensePair {
  LinearId id;
  double scaling = 0;
  DenseMatrix a;  // [rank x in]
  DenseMatrix b;  // [out x rank]
  // Row i of `b` is row row_order[i] of the base's weight; empty: the same.
  std::vector<std::size_t> row_order;
};

// The pairs as an adapter for `base`, with an id and name of its own. `file` begins each message.
// Errors: kUnsupported (does not fit the base, by describe_misfit(); a type other than F32, F16 and BF16), kCorrupt
// (shapes that do not belong together, rank 0 or above kMaxRank, NaN or infinity: names the tensor and the place).
Result<LoraAdapter> make_dense_adapter(std::span<const DensePair> pairs, const BaseModel& base,
                                       AdapterDescription description, std::string_view file);

}  // namespace hyprstream
