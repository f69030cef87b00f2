#include "training/frozen_weight.hpp"

#include <algorithm>
#include <format>

#include "runtime/quantization.hpp"

namespace hyprstream {
namespace {

// Rows of W that a task of multiply() takes, and the columns of them that it reads at once.
constexpr std::size_t kTaskRows = 64;
constexpr std::size_t kReadColumns = 256;
// The same for multiply_transposed().
constexpr std::size_t kTaskColumns = 256;
constexpr std::size_t kReadRows = 128;

}  // namespace

std::size_t PackedActivations::panel_columns(std::size_t panel) const noexcept {
  return std::min(kPanelColumns, columns_ - panel * kPanelColumns);
}

void PackedActivations::assign(ThreadPool& pool, Precision precision, const float* values, std::size_t features,
                               std::size_t columns) {
  features_ = features;
  columns_ = columns;
  values_ = values;
  if (precision == Precision::kFloat32) return;
  pairs_.resize(features / 2 * columns);
  constexpr std::size_t kFeatures = 256;  // of a task
  const std::size_t parts = (features + kFeatures - 1) / kFeatures;
  pool.run(panels() * parts, [&](std::size_t task, int /*worker*/) {
    const std::size_t at = task / parts, first = task % parts * kFeatures, width = panel_columns(at);
    pack_pairs(values + first * columns + at * kPanelColumns, columns, std::min(kFeatures, features - first), width,
               pairs_.data() + at * kPanelColumns * (features / 2) + first / 2 * width);
  });
}

Result<FrozenWeight> FrozenWeight::create(const GgufTensor& tensor) {
  if (tensor.shape.empty() || tensor.shape.size() > 2)
    return fail(ErrorCode::kUnsupported, std::format("'{}' is no matrix, and cannot be trained on", tensor.name));
  FrozenWeight weight;
  weight.type_ = tensor.type;
  weight.in_ = tensor.shape[0];
  weight.out_ = tensor.shape.size() == 2 ? tensor.shape[1] : 1;
  weight.data_ = tensor.data;
  weight.row_bytes_ = weight.in_ / block_elements(tensor.type) * block_bytes(tensor.type);
  // Whether it can be read at all is found out here, so that it need not be asked again.
  std::vector<float> block(block_elements(tensor.type));
  HYPRSTREAM_TRY(dequantize(tensor.type, tensor.data.first(block_bytes(tensor.type)), block));
  const bool fits_pairs = weight.in_ % kRowGroup == 0 && weight.out_ % 2 == 0;
  if (tensor.type != TensorType::kF32 && fits_pairs && has_bf16_products()) weight.precision_ = Precision::kBf16;
  return weight;
}

void FrozenWeight::read(std::size_t row, std::size_t first, std::span<float> values) const {
  const std::size_t elements = block_elements(type_), bytes = block_bytes(type_);
  // Sizes and type were checked by create(), so this cannot fail.
  static_cast<void>(dequantize(
      type_, data_.subspan(row * row_bytes_ + first / elements * bytes, values.size() / elements * bytes), values));
}

void FrozenWeight::read_row(std::size_t row, std::span<float> values) const { read(row, 0, values); }

void FrozenWeight::multiply(ThreadPool& pool, std::span<WeightScratch> scratch, const PackedActivations& x,
                            float* result) const {
  const std::size_t columns = x.columns();
  pool.run((out_ + kTaskRows - 1) / kTaskRows, [&](std::size_t task, int worker) {
    auto& [values, pairs] = scratch[static_cast<std::size_t>(worker)];
    const std::size_t first_row = task * kTaskRows, rows = std::min(kTaskRows, out_ - first_row);
    values.resize(std::max(values.size(), kTaskRows * kReadColumns));
    pairs.resize(std::max(pairs.size(), kTaskRows * kReadColumns / 2));
    for (std::size_t first = 0; first < in_; first += kReadColumns) {
      const std::size_t depth = std::min(kReadColumns, in_ - first);
      for (std::size_t r = 0; r < rows; ++r) read(first_row + r, first, {values.data() + r * depth, depth});
      if (precision_ == Precision::kFloat32) {
        hyprstream::multiply(Product<float>{.left = values.data(),
                                            .layout = LeftLayout::kByRow,
                                            .left_stride = depth,
                                            .right = x.values() + first * columns,
                                            .right_stride = columns,
                                            .result = result + first_row * columns,
                                            .result_stride = columns,
                                            .rows = rows,
                                            .columns = columns,
                                            .depth = depth,
                                            .accumulate = first > 0});
        continue;
      }
      convert_to_pairs(values.data(), rows * depth, pairs.data());
      for (std::size_t panel = 0; panel < x.panels(); ++panel) {
        const std::size_t width = x.panel_columns(panel);
        hyprstream::multiply(Product<Bf16Pair>{.left = pairs.data(),
                                               .layout = LeftLayout::kByRow,
                                               .left_stride = depth / 2,
                                               .right = x.panel(panel) + first / 2 * width,
                                               .right_stride = width,
                                               .result = result + first_row * columns + panel * kPanelColumns,
                                               .result_stride = columns,
                                               .rows = rows,
                                               .columns = width,
                                               .depth = depth / 2,
                                               .accumulate = first > 0});
      }
    }
  });
}

void FrozenWeight::multiply_transposed(ThreadPool& pool, std::span<WeightScratch> scratch, const PackedActivations& dy,
                                       float* result, bool accumulate) const {
  const std::size_t columns = dy.columns();
  pool.run((in_ + kTaskColumns - 1) / kTaskColumns, [&](std::size_t task, int worker) {
    auto& [values, pairs] = scratch[static_cast<std::size_t>(worker)];
    const std::size_t first = task * kTaskColumns, rows = std::min(kTaskColumns, in_ - first);  // of the result
    values.resize(std::max(values.size(), kReadRows * kTaskColumns));
    pairs.resize(std::max(pairs.size(), kReadRows / 2 * kTaskColumns));
    for (std::size_t k = 0; k < out_; k += kReadRows) {
      const std::size_t depth = std::min(kReadRows, out_ - k);
      for (std::size_t r = 0; r < depth; ++r) read(k + r, first, {values.data() + r * rows, rows});
      const bool adds = accumulate || k > 0;
      if (precision_ == Precision::kFloat32) {
        hyprstream::multiply(Product<float>{.left = values.data(),
                                            .layout = LeftLayout::kByDepth,
                                            .left_stride = rows,
                                            .right = dy.values() + k * columns,
                                            .right_stride = columns,
                                            .result = result + first * columns,
                                            .result_stride = columns,
                                            .rows = rows,
                                            .columns = columns,
                                            .depth = depth,
                                            .accumulate = adds});
        continue;
      }
      const std::size_t group_pairs = depth / 2 * kRowGroup;
      for (std::size_t r = 0; r < depth; r += 2)
        convert_to_groups(values.data() + r * rows, values.data() + (r + 1) * rows, rows, group_pairs,
                          pairs.data() + r / 2 * kRowGroup);
      for (std::size_t panel = 0; panel < dy.panels(); ++panel) {
        const std::size_t width = dy.panel_columns(panel);
        for (std::size_t row = 0; row < rows; row += kRowGroup)
          hyprstream::multiply(Product<Bf16Pair>{.left = pairs.data() + row / kRowGroup * group_pairs,
                                                 .layout = LeftLayout::kByDepth,
                                                 .left_stride = kRowGroup,
                                                 .right = dy.panel(panel) + k / 2 * width,
                                                 .right_stride = width,
                                                 .result = result + (first + row) * columns + panel * kPanelColumns,
                                                 .result_stride = columns,
                                                 .rows = kRowGroup,
                                                 .columns = width,
                                                 .depth = depth / 2,
                                                 .accumulate = adds});
      }
    }
  });
}

}  // namespace hyprstream
