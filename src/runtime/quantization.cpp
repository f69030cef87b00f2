#include "runtime/quantization.hpp"

#include <ggml.h>

#include <cmath>
#include <cstring>
#include <format>
#include <string>

namespace hyprstream {
namespace {

// The largest finite F16. Every quantized type scales its blocks with an F16 or less; beyond this the scales
// overflow, and some of ggml's searches then abort the process.
constexpr float kMostF16 = 65504;

ggml_type as_ggml(TensorType type) noexcept { return static_cast<ggml_type>(type); }

// ggml aborts on the others.
bool holds_weights(TensorType type) noexcept {
  switch (type) {
    case TensorType::kI8:
    case TensorType::kI16:
    case TensorType::kI32:
    case TensorType::kI64:
    case TensorType::kF64:
    case TensorType::kQ8_1:  // these two hold activations
    case TensorType::kQ8_K: return false;
    default: return true;
  }
}

Result<void> check_holds_weights(TensorType type) {
  if (holds_weights(type)) return {};
  return fail(ErrorCode::kUnsupported, std::format("{} is not a type of weights", tensor_type_name(type)));
}

Result<void> check_sizes(TensorType type, std::size_t width, std::size_t values, std::size_t bytes) {
  const std::size_t block = block_elements(type);
  if (width != 0 && width % block == 0 && values % width == 0 && values / block == bytes / block_bytes(type) &&
      bytes % block_bytes(type) == 0)
    return {};
  return fail(ErrorCode::kInvalidArgument,
              std::format("{} values in rows of {} do not fill {} bytes as {}, which has {} in {} bytes", values, width,
                          bytes, tensor_type_name(type), block, block_bytes(type)));
}

// The largest magnitude that the type can hold.
float most(TensorType type) noexcept {
  return type == TensorType::kF32 || type == TensorType::kBF16 ? HUGE_VALF : kMostF16;
}

}  // namespace

Result<void> dequantize(TensorType type, std::span<const std::byte> blocks, std::span<float> values) {
  HYPRSTREAM_TRY(check_holds_weights(type));
  HYPRSTREAM_TRY(check_sizes(type, block_elements(type), values.size(), blocks.size()));
  if (values.empty()) return {};
  if (type == TensorType::kF32)
    std::memcpy(values.data(), blocks.data(), blocks.size());
  else
    ggml_get_type_traits(as_ggml(type))
        ->to_float(blocks.data(), values.data(), static_cast<std::int64_t>(values.size()));
  return {};
}

Result<void> dequantize_rows(const GgufTensor& tensor, std::uint64_t first, std::span<float> rows) {
  const std::uint64_t width = tensor.shape.empty() ? 0 : tensor.shape[0];
  if (width == 0 || tensor.shape.size() > 2 || rows.size() % width != 0)
    return fail(ErrorCode::kInvalidArgument,
                std::format("{} values are not whole rows of tensor '{}'", rows.size(), tensor.name));
  const std::uint64_t there = tensor.elements / width, wanted = rows.size() / width;
  if (first > there || wanted > there - first)
    return fail(ErrorCode::kInvalidArgument,
                std::format("tensor '{}' has {} rows, and not {} from row {} on", tensor.name, there, wanted, first));
  const std::uint64_t row_bytes = width / block_elements(tensor.type) * block_bytes(tensor.type);
  return dequantize(tensor.type, tensor.data.subspan(first * row_bytes, wanted * row_bytes), rows);
}

Result<void> check_quantizable(TensorType type) {
  HYPRSTREAM_TRY(check_holds_weights(type));
  if (ggml_quantize_requires_imatrix(as_ggml(type)))
    return fail(ErrorCode::kUnsupported,
                std::format("{} cannot be made without an importance matrix: choose a larger type, such as Q4_K",
                            tensor_type_name(type)));
  return {};
}

Result<void> quantize(TensorType type, std::size_t width, std::span<const float> values, std::span<std::byte> blocks) {
  HYPRSTREAM_TRY(check_quantizable(type));
  HYPRSTREAM_TRY(check_sizes(type, width, values.size(), blocks.size()));
  const float limit = most(type);
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!std::isfinite(values[i]) || std::abs(values[i]) > limit)
      return fail(ErrorCode::kInvalidArgument, std::format("row {}, column {} is {}, which {} cannot hold", i / width,
                                                           i % width, values[i], tensor_type_name(type)));
  if (values.empty()) return {};
  const std::size_t written =
      ggml_quantize_chunk(as_ggml(type), values.data(), blocks.data(), 0,
                          static_cast<std::int64_t>(values.size() / width), static_cast<std::int64_t>(width), nullptr);
  if (written != blocks.size())
    return fail(ErrorCode::kInternal, std::format("ggml made {} bytes of {} values as {}, and not {}", written,
                                                  values.size(), tensor_type_name(type), blocks.size()));
  return {};
}

std::uint32_t quantization_version() noexcept { return GGML_QNT_VERSION; }

}  // namespace hyprstream
