// Products and copies divided among the threads of a pool, in the same parts for any number of them.
#pragma once

#include <algorithm>
#include <cstddef>

#include "training/products.hpp"
#include "training/thread_pool.hpp"

namespace hyprstream {

// By rows and columns of the result.
inline void multiply_in_parts(ThreadPool& pool, const Product<float>& product) {
  constexpr std::size_t kRows = 64, kColumns = 2 * kPanelColumns;
  const std::size_t row_parts = (product.rows + kRows - 1) / kRows;
  const std::size_t column_parts = (product.columns + kColumns - 1) / kColumns;
  pool.run(row_parts * column_parts, [&](std::size_t task, int /*worker*/) {
    const std::size_t row = task / column_parts * kRows, column = task % column_parts * kColumns;
    Product<float> part = product;
    part.left += product.layout == LeftLayout::kByRow ? row * product.left_stride : row;
    part.right += column;
    part.result += row * product.result_stride + column;
    part.rows = std::min(kRows, product.rows - row);
    part.columns = std::min(kColumns, product.columns - column);
    multiply(part);
  });
}

// body(first, count) for parts of `count` things, each a multiple of kColumnBlock long if count is.
template <typename Body>
void in_parts(ThreadPool& pool, std::size_t count, std::size_t part, Body&& body) {
  pool.run((count + part - 1) / part,
           [&](std::size_t task, int /*worker*/) { body(task * part, std::min(part, count - task * part)); });
}

}  // namespace hyprstream
