#include "gguf/tensor_type.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace hyprstream {
namespace {

struct TypeRow {
  std::string_view name;  // empty: not a type
  std::uint32_t elements = 0;
  std::uint32_t bytes = 0;
};

// By ggml's number. A test compares it with the ggml that is linked.
constexpr std::array<TypeRow, 43> kTypes = {{
    {"F32", 1, 4},
    {"F16", 1, 2},
    {"Q4_0", 32, 18},
    {"Q4_1", 32, 20},
    {},
    {},
    {"Q5_0", 32, 22},
    {"Q5_1", 32, 24},
    {"Q8_0", 32, 34},
    {"Q8_1", 32, 36},
    {"Q2_K", 256, 84},
    {"Q3_K", 256, 110},
    {"Q4_K", 256, 144},
    {"Q5_K", 256, 176},
    {"Q6_K", 256, 210},
    {"Q8_K", 256, 292},
    {"IQ2_XXS", 256, 66},
    {"IQ2_XS", 256, 74},
    {"IQ3_XXS", 256, 98},
    {"IQ1_S", 256, 50},
    {"IQ4_NL", 32, 18},
    {"IQ3_S", 256, 110},
    {"IQ2_S", 256, 82},
    {"IQ4_XS", 256, 136},
    {"I8", 1, 1},
    {"I16", 1, 2},
    {"I32", 1, 4},
    {"I64", 1, 8},
    {"F64", 1, 8},
    {"IQ1_M", 256, 56},
    {"BF16", 1, 2},
    {},
    {},
    {},
    {"TQ1_0", 256, 54},
    {"TQ2_0", 256, 66},
    {},
    {},
    {},
    {"MXFP4", 32, 17},
    {"NVFP4", 64, 36},
    {"Q1_0", 128, 18},
    {"Q2_0", 64, 18},
}};

constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();

const TypeRow& row(TensorType type) noexcept { return kTypes[static_cast<std::uint32_t>(type)]; }

}  // namespace

std::optional<TensorType> tensor_type_from_number(std::uint32_t number) noexcept {
  if (number >= kTypes.size() || kTypes[number].name.empty()) return std::nullopt;
  return static_cast<TensorType>(number);
}

std::optional<TensorType> tensor_type_from_name(std::string_view name) noexcept {
  const auto upper = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; };
  for (std::uint32_t number = 0; number < kTypes.size(); ++number)
    if (!kTypes[number].name.empty() && std::ranges::equal(kTypes[number].name, name, {}, upper, upper))
      return static_cast<TensorType>(number);
  return std::nullopt;
}

std::string_view tensor_type_name(TensorType type) noexcept { return row(type).name; }
std::uint64_t block_elements(TensorType type) noexcept { return row(type).elements; }
std::uint64_t block_bytes(TensorType type) noexcept { return row(type).bytes; }

std::optional<std::uint64_t> tensor_elements(std::span<const std::uint64_t> shape) noexcept {
  std::uint64_t product = 1;
  // A zero must not hide an overflow: libraries below multiply in their own order.
  for (const std::uint64_t size : shape) {
    if (size > kMost || (size != 0 && product > kMost / size)) return std::nullopt;
    product *= size == 0 ? 1 : size;
  }
  for (const std::uint64_t size : shape)
    if (size == 0) return 0;
  return product;
}

std::optional<std::uint64_t> tensor_bytes(TensorType type, std::span<const std::uint64_t> shape) noexcept {
  const auto elements = tensor_elements(shape);
  const TypeRow& info = row(type);
  if (!elements || (shape.empty() ? 1 : shape[0]) % info.elements != 0) return std::nullopt;
  const std::uint64_t blocks = *elements / info.elements;
  if (blocks > kMost / info.bytes) return std::nullopt;
  return blocks * info.bytes;
}

}  // namespace hyprstream
