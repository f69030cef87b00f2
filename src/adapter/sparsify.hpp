// Pruning an adapter's A and B.
#pragma once

#include <cstddef>
#include <cstdint>

#include "adapter/lora_adapter.hpp"

namespace hyprstream {

enum class PruneMethod : std::uint8_t {
  // An entry's share of B * A: |A_ri| * ||B_:r|| for an entry of A, |B_or| * ||A_r:|| for one of B
  // (2-norms of what it is multiplied with), times the pair's scaling. docs/sparsity.md says why.
  kContribution,
  kMagnitude,  // |w|
};

enum class PruneScope : std::uint8_t {
  kAdapter,  // one ranking over all A and B
  kMatrix,   // each A and each B reaches the sparsity by itself
};

struct SparsifyOptions {
  double sparsity = 0.99;  // share of entries that become zero, in [0, 1)
  PruneMethod method = PruneMethod::kContribution;
  PruneScope scope = PruneScope::kAdapter;
};

struct SparsifyReport {
  double requested = 0;
  double reached = 0;  // at least `requested`
  std::size_t nnz = 0;
  std::size_t entries = 0;
  std::size_t bytes = 0;  // of the arrays that are left
};

struct SparsifiedAdapter {
  LoraAdapter adapter;
  SparsifyReport report;
};

// Exact: at least `sparsity` of all entries are zero afterwards, and no kept entry scores lower than a dropped
// one; of equal scores the one earlier in the adapter (pair, A before B, component, index) stays. Entries that
// are zero already count as dropped. Scores are taken once, before anything is dropped. The result has the same id and
// description, but for requested_sparsity. Errors: kInvalidArgument (sparsity outside [0, 1); nothing to score because
// every B is zero: names `lora train`).
Result<SparsifiedAdapter> sparsify(const LoraAdapter& adapter, const SparsifyOptions& options);

}  // namespace hyprstream
