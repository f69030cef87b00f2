#include "training/sparse_products.hpp"

// As in products.cpp.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "training/sparse_products.cpp"
#include <hwy/foreach_target.h>
// What follows needs the targets.
#include <hwy/highway.h>

#include "training/parallel.hpp"
#include "training/products.hpp"

HWY_BEFORE_NAMESPACE();
namespace hyprstream::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::CappedTag<float, kColumnBlock>;

// kVectors vectors of one row of the result.
template <std::size_t kVectors>
HWY_INLINE void sum_terms(const SparseProduct& p, std::span<const SparseTerm> terms, std::size_t column, float* result,
                          bool accumulate) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  hn::Vec<Floats> sums[kVectors];
#pragma GCC unroll 4
  for (auto& sum : sums) sum = hn::Zero(d);
  for (const auto& term : terms) {
    const auto value = hn::Set(d, p.values[term.place]);
    const float* source = p.source + term.row * p.columns + column;
#pragma GCC unroll 4
    for (std::size_t v = 0; v < kVectors; ++v) sums[v] = hn::MulAdd(value, hn::LoadU(d, source + v * lanes), sums[v]);
  }
  const auto scale = hn::Set(d, p.scale);
#pragma GCC unroll 4
  for (std::size_t v = 0; v < kVectors; ++v) {
    float* at = result + column + v * lanes;
    hn::StoreU(accumulate ? hn::MulAdd(sums[v], scale, hn::LoadU(d, at)) : hn::Mul(sums[v], scale), d, at);
  }
}

void sum_row(const SparseProduct& p, std::span<const SparseTerm> terms, float* result, bool accumulate) {
  const std::size_t lanes = hn::Lanes(Floats());
  std::size_t column = 0;
  for (; column + 4 * lanes <= p.columns; column += 4 * lanes) sum_terms<4>(p, terms, column, result, accumulate);
  for (; column < p.columns; column += lanes) sum_terms<1>(p, terms, column, result, accumulate);
}

float dot_rows(const float* a, const float* b, std::size_t columns) {
  const Floats d;
  auto sum = hn::Zero(d);
  for (std::size_t c = 0; c < columns; c += hn::Lanes(d))
    sum = hn::MulAdd(hn::LoadU(d, a + c), hn::LoadU(d, b + c), sum);
  return hn::ReduceSum(d, sum);
}

}  // namespace hyprstream::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hyprstream {
namespace {

// Rows of the result that a task takes: few long ones or many short ones.
std::size_t task_rows(const SparseRows& rows) { return rows.results.size() / 64 + 1; }

std::span<const SparseTerm> terms_of(const SparseRows& rows, std::size_t at) {
  return std::span(rows.terms).subspan(rows.begins[at], rows.begins[at + 1] - rows.begins[at]);
}

}  // namespace

HWY_EXPORT(sum_row);
HWY_EXPORT(dot_rows);

void multiply_sparse(ThreadPool& pool, const SparseProduct& product, float* result, bool accumulate) {
  in_parts(pool, product.rows->results.size(), task_rows(*product.rows), [&](std::size_t first, std::size_t count) {
    for (std::size_t at = first; at < first + count; ++at) HWY_DYNAMIC_DISPATCH(sum_row)
    (product, terms_of(*product.rows, at), result + product.rows->results[at] * product.columns, accumulate);
  });
}

void add_sparse_gradients(ThreadPool& pool, const SparseProduct& product, const float* upstream, float* gradients) {
  const auto dot = HWY_DYNAMIC_POINTER(dot_rows);
  in_parts(pool, product.rows->results.size(), task_rows(*product.rows), [&](std::size_t first, std::size_t count) {
    for (std::size_t at = first; at < first + count; ++at) {
      const float* row = upstream + product.rows->results[at] * product.columns;
      for (const auto& term : terms_of(*product.rows, at))
        gradients[term.place] += product.scale * dot(product.source + term.row * product.columns, row, product.columns);
    }
  });
}

}  // namespace hyprstream
#endif
