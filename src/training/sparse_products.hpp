// Products with sparse factors, a row of activations at a time.
//
// Activations lie by feature, so one non-zero multiplies a whole row of tokens: no gathering, at any sparsity.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "training/thread_pool.hpp"

namespace hyprstream {

// One non-zero: which row of the activations it multiplies, and where its value lies.
struct SparseTerm {
  std::uint32_t row = 0;
  std::uint32_t place = 0;  // in the array of values
};

// Lists of terms, one for each row of the result that has any. Immutable.
struct SparseRows {
  std::vector<std::uint32_t> results;  // ascending
  std::vector<std::uint32_t> begins;   // [results + 1] into terms
  std::vector<SparseTerm> terms;
};

// Rows of `columns` floats, a multiple of kColumnBlock.
struct SparseProduct {
  const SparseRows* rows = nullptr;
  const float* values = nullptr;
  const float* source = nullptr;  // [features][columns]
  std::size_t columns = 0;
  float scale = 1;
};

// result[row] = or += scale * sum of value * source[term's row], for the rows that have terms and no others.
void multiply_sparse(ThreadPool& pool, const SparseProduct& product, float* result, bool accumulate);

// gradients[place] += scale * <source[term's row], upstream[row of the result]>, for every term. The places of the
// terms are distinct.
void add_sparse_gradients(ThreadPool& pool, const SparseProduct& product, const float* upstream, float* gradients);

}  // namespace hyprstream
