// Pruning an adapter's A and B.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "adapter/lora_adapter.hpp"

namespace hyprstream {

enum class PruneMethod : std::uint8_t {
  // An entry's share of B * A: |A_ri| * ||B_:r|| for an entry of A, |B_or| * ||A_r:|| for one of B, times the
  // pair's scaling. Magnitude alone keeps nothing at 99%: A and B are of different size, so that the survivors sit
  // in one of them and the product is zero.
  kContribution,
  kMagnitude,  // |w|
};

enum class PruneScope : std::uint8_t {
  kAdapter,  // one ranking over all A and B
  kMatrix,   // each A and each B reaches the sparsity by itself
};

// "contribution", "magnitude"; "adapter", "matrix".
std::string_view prune_method_name(PruneMethod method) noexcept;
std::string_view prune_scope_name(PruneScope scope) noexcept;

struct SparsifyOptions {
  double sparsity = 0.99;  // share of all entries that are zero afterwards, in [0, 1)
  PruneMethod method = PruneMethod::kContribution;
  PruneScope scope = PruneScope::kAdapter;
};

// Exact: at least that share of all entries (of each matrix, for kMatrix) is zero afterwards, and no kept entry scores
// lower than a dropped one; of equal scores the earlier in the adapter stays (pair, A before B, component, index).
// Entries that are zero already count. Scores are float32, taken once before anything is dropped. The result has
// the same id and description, but for requested_sparsity.
// Errors: kInvalidArgument (sparsity outside [0, 1); B * A is zero everywhere, so that nothing can be scored:
// names `lora train`).
Result<LoraAdapter> sparsify(const LoraAdapter& adapter, const SparsifyOptions& options);

// Of `entries`, how many may be other than zero.
std::size_t kept_entries(std::size_t entries, double sparsity) noexcept;

}  // namespace hyprstream
