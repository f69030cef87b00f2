#include "training/trainable_adapter.hpp"

#include <algorithm>
#include <format>
#include <iterator>
#include <new>
#include <utility>

#include "training/feature_ops.hpp"
#include "training/parallel.hpp"
#include "training/products.hpp"

namespace hyprstream {
namespace {

void put(const LoraFactor& factor, const FactorPlace& place, std::span<float> values) {
  for (std::size_t r = 0; r < factor.rank(); ++r) {
    const auto component = factor.component(r);
    for (std::size_t k = 0; k < component.values.size(); ++k)
      values[place.begin + component.indices[k] * place.stride + r] = component.values[k];
  }
}

Result<LoraFactor> take(const FactorPlace& place, std::span<const float> values, std::span<const std::uint8_t> alive) {
  std::vector<float> living(place.size());
  for (std::size_t i = 0; i < living.size(); ++i) living[i] = alive[place.begin + i] != 0 ? values[place.begin + i] : 0;
  std::vector<float> dense(place.entries());
  transpose(living.data(), place.width, place.rank, place.stride, dense.data(), place.width);
  return LoraFactor::from_dense(dense, place.rank, place.width);
}

}  // namespace

Result<TrainableAdapter> TrainableAdapter::create(const LoraAdapter& start) {
  TrainableAdapter adapter;
  adapter.description_ = start.description();
  adapter.entries_ = start.entries();
  std::size_t end = 0;
  const auto place = [&end](const LoraFactor& factor) {
    const FactorPlace result{
        .begin = end, .width = factor.width(), .rank = factor.rank(), .stride = round_up(factor.rank(), kColumnBlock)};
    end += result.size();
    return result;
  };
  for (const auto& pair : start.pairs())
    adapter.pairs_.push_back({.id = pair.id, .scaling = pair.scaling, .a = place(pair.a), .b = place(pair.b)});
  try {
    for (auto* array : {&adapter.values_, &adapter.gradients_, &adapter.first_moments_, &adapter.second_moments_})
      array->resize(end);
    adapter.alive_.resize(end);
  } catch (const std::bad_alloc&) {
    return fail(
        ErrorCode::kResourceExhausted,
        std::format("training {} values takes {} MB: choose a smaller rank or fewer modules", end, (end * 17) >> 20));
  }
  for (std::size_t i = 0; i < adapter.pairs_.size(); ++i) {
    put(start.pairs()[i].a, adapter.pairs_[i].a, adapter.values_);
    put(start.pairs()[i].b, adapter.pairs_[i].b, adapter.values_);
    for (const auto& factor : {adapter.pairs_[i].a, adapter.pairs_[i].b})
      for (std::size_t row = 0; row < factor.width; ++row)
        std::fill_n(adapter.alive_.begin() + static_cast<std::ptrdiff_t>(factor.begin + row * factor.stride),
                    factor.rank, std::uint8_t{1});
  }
  return adapter;
}

const PairPlace* TrainableAdapter::find(LinearId id) const noexcept {
  const auto order = [](LinearId value) { return std::pair(value.layer, value.module); };
  const auto at =
      std::ranges::lower_bound(pairs_, order(id), {}, [&](const PairPlace& pair) { return order(pair.id); });
  return at != pairs_.end() && at->id == id ? &*at : nullptr;
}

bool TrainableAdapter::is_entry(std::size_t place) const noexcept {
  // The last pair that begins at or before the place.
  const auto next = std::ranges::upper_bound(pairs_, place, {}, [](const PairPlace& pair) { return pair.a.begin; });
  const auto& pair = *std::prev(next);
  const auto& factor = place < pair.b.begin ? pair.a : pair.b;
  return (place - factor.begin) % factor.stride < factor.rank;
}

std::size_t TrainableAdapter::alive_entries() const noexcept {
  return static_cast<std::size_t>(std::ranges::count(alive_, 1));
}

double TrainableAdapter::sparsity() const noexcept {
  return 1 - static_cast<double>(alive_entries()) / static_cast<double>(entries_);
}

void TrainableAdapter::follow_mask(bool is_final) {
  // Beyond this share a dense product is faster, whatever its zeros cost.
  constexpr std::size_t kFew = 8;
  if (is_final && !sparse_pairs_.empty()) return;
  sparse_pairs_.clear();
  if (!is_final || alive_entries() * kFew > entries_) return;
  for (const auto& pair : pairs_)
    sparse_pairs_.push_back({.a_by_component = rows_of(pair.a, true),
                             .a_by_index = rows_of(pair.a, false),
                             .b_by_component = rows_of(pair.b, true),
                             .b_by_index = rows_of(pair.b, false)});
}

SparseRows TrainableAdapter::rows_of(const FactorPlace& factor, bool by_component) const {
  SparseRows rows;
  const std::size_t results = by_component ? factor.rank : factor.width;
  const std::size_t others = by_component ? factor.width : factor.rank;
  for (std::size_t result = 0; result < results; ++result) {
    const std::size_t begin = rows.terms.size();
    for (std::size_t other = 0; other < others; ++other) {
      const std::size_t index = by_component ? other : result, component = by_component ? result : other;
      const std::size_t place = factor.begin + index * factor.stride + component;
      if (alive_[place] != 0)
        rows.terms.push_back({.row = static_cast<std::uint32_t>(other), .place = static_cast<std::uint32_t>(place)});
    }
    if (rows.terms.size() == begin) continue;
    rows.results.push_back(static_cast<std::uint32_t>(result));
    rows.begins.push_back(static_cast<std::uint32_t>(begin));
  }
  rows.begins.push_back(static_cast<std::uint32_t>(rows.terms.size()));
  return rows;
}

void TrainableAdapter::apply(ThreadPool& pool, const PairPlace& pair, const float* x, std::size_t columns,
                             float* hidden, float* y) const {
  if (const auto* rows = sparse(pair)) {
    std::fill_n(hidden, pair.a.stride * columns, 0.0F);
    multiply_sparse(pool, {.rows = &rows->a_by_component, .values = values_.data(), .source = x, .columns = columns},
                    hidden, false);
    multiply_sparse(pool,
                    {.rows = &rows->b_by_index,
                     .values = values_.data(),
                     .source = hidden,
                     .columns = columns,
                     .scale = pair.scaling},
                    y, true);
    return;
  }
  multiply_in_parts(pool, {.left = values_.data() + pair.a.begin,
                           .layout = LeftLayout::kByDepth,
                           .left_stride = pair.a.stride,
                           .right = x,
                           .right_stride = columns,
                           .result = hidden,
                           .result_stride = columns,
                           .rows = pair.a.stride,
                           .columns = columns,
                           .depth = pair.a.width});
  multiply_in_parts(pool, {.left = values_.data() + pair.b.begin,
                           .layout = LeftLayout::kByRow,
                           .left_stride = pair.b.stride,
                           .right = hidden,
                           .right_stride = columns,
                           .result = y,
                           .result_stride = columns,
                           .rows = pair.b.width,
                           .columns = columns,
                           .depth = pair.b.rank,
                           .scale = pair.scaling,
                           .accumulate = true});
}

void TrainableAdapter::backward(ThreadPool& pool, const PairPlace& pair, const float* x, const float* hidden,
                                const float* dy, std::size_t columns, float* dx) {
  const std::size_t stride = pair.a.stride;
  hidden_gradient_.resize(std::max(hidden_gradient_.size(), stride * columns));
  if (const auto* rows = sparse(pair)) {
    std::ranges::fill(hidden_gradient_, 0.0F);
    const SparseProduct b{.rows = &rows->b_by_component,
                          .values = values_.data(),
                          .source = dy,
                          .columns = columns,
                          .scale = pair.scaling};
    multiply_sparse(pool, b, hidden_gradient_.data(), false);
    add_sparse_gradients(pool, b, hidden, gradients_.data());
    add_sparse_gradients(pool,
                         {.rows = &rows->a_by_component, .values = values_.data(), .source = x, .columns = columns},
                         hidden_gradient_.data(), gradients_.data());
    if (dx != nullptr)
      multiply_sparse(
          pool,
          {.rows = &rows->a_by_index, .values = values_.data(), .source = hidden_gradient_.data(), .columns = columns},
          dx, true);
    return;
  }
  turned_.resize(std::max(turned_.size(), stride * columns));
  // gradient[index][component] += scale * side[index][token] * turned[token][component]
  const auto add_gradient = [&](const FactorPlace& place, const float* side, const float* other, float scale) {
    in_parts(pool, columns, kColumnBlock, [&](std::size_t first, std::size_t count) {
      transpose(other + first, stride, count, columns, turned_.data() + first * stride, stride);
    });
    multiply_in_parts(pool, {.left = side,
                             .layout = LeftLayout::kByRow,
                             .left_stride = columns,
                             .right = turned_.data(),
                             .right_stride = stride,
                             .result = gradients_.data() + place.begin,
                             .result_stride = stride,
                             .rows = place.width,
                             .columns = stride,
                             .depth = columns,
                             .scale = scale,
                             .accumulate = true});
  };
  add_gradient(pair.b, dy, hidden, pair.scaling);
  multiply_in_parts(pool, {.left = values_.data() + pair.b.begin,
                           .layout = LeftLayout::kByDepth,
                           .left_stride = stride,
                           .right = dy,
                           .right_stride = columns,
                           .result = hidden_gradient_.data(),
                           .result_stride = columns,
                           .rows = stride,
                           .columns = columns,
                           .depth = pair.b.width,
                           .scale = pair.scaling});
  add_gradient(pair.a, x, hidden_gradient_.data(), 1);
  if (dx != nullptr)
    multiply_in_parts(pool, {.left = values_.data() + pair.a.begin,
                             .layout = LeftLayout::kByRow,
                             .left_stride = stride,
                             .right = hidden_gradient_.data(),
                             .right_stride = columns,
                             .result = dx,
                             .result_stride = columns,
                             .rows = pair.a.width,
                             .columns = columns,
                             .depth = pair.a.rank,
                             .accumulate = true});
}

Result<LoraAdapter> TrainableAdapter::to_adapter() const {
  std::vector<LoraPair> pairs;
  for (const auto& pair : pairs_) {
    HYPRSTREAM_ASSIGN(auto a, take(pair.a, values_, alive_));
    HYPRSTREAM_ASSIGN(auto b, take(pair.b, values_, alive_));
    pairs.push_back({.id = pair.id, .scaling = pair.scaling, .a = std::move(a), .b = std::move(b)});
  }
  return LoraAdapter::create(description_, std::move(pairs));
}

}  // namespace hyprstream
