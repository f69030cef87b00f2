#include "adapter_files/dense_lora.hpp"

#include <algorithm>
#include <cmath>
#include <format>
#include <limits>
#include <utility>

#include "adapter_files/half_float.hpp"

namespace hyprstream {
namespace {

Result<std::vector<float>> read_values(const DenseMatrix& matrix, std::string_view file) {
  auto values = floats_of(matrix.type, matrix.bytes);
  if (!values) return fail(values.error().code, std::format("{}: {}: {}", file, matrix.name, values.error().message));
  if (values->size() != matrix.rows * matrix.columns)
    return fail(ErrorCode::kCorrupt, std::format("{}: {} holds {} values, and its shape is [{} x {}]", file,
                                                 matrix.name, values->size(), matrix.rows, matrix.columns));
  const auto wrong = std::ranges::find_if_not(*values, [](float value) { return std::isfinite(value); });
  if (wrong != values->end()) {
    const auto at = static_cast<std::size_t>(wrong - values->begin());
    return fail(ErrorCode::kCorrupt, std::format("{}: {} holds {} in row {}, column {}", file, matrix.name, *wrong,
                                                 at / matrix.columns, at % matrix.columns));
  }
  return values;
}

// Before any value is read: shapes are what a hostile file lies about.
Result<void> check_shape(const DensePair& pair, const BaseModel& base, std::string_view file) {
  const auto& [id, scaling, a, b, row_order] = pair;
  if (a.rows != b.columns)
    return fail(ErrorCode::kCorrupt, std::format("{}: {} is [{} x {}] and {} is [{} x {}]: their ranks differ", file,
                                                 a.name, a.rows, a.columns, b.name, b.rows, b.columns));
  if (a.rows == 0 || a.rows > kMaxRank)
    return fail(ErrorCode::kCorrupt,
                std::format("{}: {} has rank {}, which is not from 1 to {}", file, a.name, a.rows, kMaxRank));
  if (const auto misfit = describe_misfit(base, {.id = id, .in = a.columns, .out = b.rows}))
    return fail(ErrorCode::kUnsupported, std::format("{} does not fit {}: {}", file, base.name, *misfit));
  if (!(std::abs(scaling) <= static_cast<double>(std::numeric_limits<float>::max())))
    return fail(ErrorCode::kCorrupt, std::format("{}: alpha and rank give {} a scaling of {}", file, b.name, scaling));
  return {};
}

Result<LoraPair> make_pair(const DensePair& pair, std::string_view file) {
  const std::size_t rank = pair.a.rows;
  const std::size_t out = pair.b.rows;
  HYPRSTREAM_ASSIGN(const auto a, read_values(pair.a, file));
  HYPRSTREAM_ASSIGN(const auto rows, read_values(pair.b, file));
  std::vector<float> components(rows.size());
  for (std::size_t o = 0; o < out; ++o) {
    const std::size_t row = pair.row_order.empty() ? o : pair.row_order[o];
    for (std::size_t r = 0; r < rank; ++r) components[r * out + row] = rows[o * rank + r];
  }
  HYPRSTREAM_ASSIGN(auto a_factor, LoraFactor::from_dense(a, rank, pair.a.columns));
  HYPRSTREAM_ASSIGN(auto b_factor, LoraFactor::from_dense(components, rank, out));
  return LoraPair{
      .id = pair.id, .scaling = static_cast<float>(pair.scaling), .a = std::move(a_factor), .b = std::move(b_factor)};
}

}  // namespace

Result<LoraAdapter> make_dense_adapter(std::span<const DensePair> pairs, const BaseModel& base,
                                       AdapterDescription description, std::string_view file) {
  description.id = make_uuid();
  description.name = default_adapter_name(description.id);
  description.base = base;
  description.base.linears.clear();
  description.target_modules.clear();
  for (const auto& pair : pairs) HYPRSTREAM_TRY(check_shape(pair, base, file));
  std::vector<LoraPair> made;
  made.reserve(pairs.size());
  for (const auto& pair : pairs) {
    HYPRSTREAM_ASSIGN(auto read, make_pair(pair, file));
    description.base.linears.push_back({.id = read.id, .in = read.in(), .out = read.out()});
    if (!std::ranges::contains(description.target_modules, read.id.module))
      description.target_modules.push_back(read.id.module);
    made.push_back(std::move(read));
  }
  std::ranges::sort(description.target_modules);
  std::ranges::sort(description.base.linears, {},
                    [](const LinearShape& shape) { return std::pair(shape.id.layer, shape.id.module); });
  return LoraAdapter::create(std::move(description), std::move(made));
}

}  // namespace hyprstream
