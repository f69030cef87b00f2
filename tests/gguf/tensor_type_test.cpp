#include "gguf/tensor_type.hpp"

#include <ggml.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

namespace hyprstream {
namespace {

// ggml is the authority on its own types.
TEST(TensorTypes, AgreeWithGgml) {
  int known = 0;
  for (int number = 0; number < GGML_TYPE_COUNT; ++number) {
    const auto ggml = static_cast<ggml_type>(number);
    const auto type = tensor_type_from_number(static_cast<std::uint32_t>(number));
    ASSERT_EQ(type.has_value(), ggml_blck_size(ggml) != 0) << number;
    if (!type) continue;
    ++known;
    EXPECT_EQ(block_elements(*type), static_cast<std::uint64_t>(ggml_blck_size(ggml))) << number;
    EXPECT_EQ(block_bytes(*type), ggml_type_size(ggml)) << number;
    std::string name(tensor_type_name(*type));
    std::string expected = ggml_type_name(ggml);
    std::ranges::transform(expected, expected.begin(), [](unsigned char c) { return std::toupper(c); });
    EXPECT_EQ(name, expected) << number;
  }
  EXPECT_EQ(known, 35);
  EXPECT_FALSE(tensor_type_from_number(GGML_TYPE_COUNT));
  EXPECT_FALSE(tensor_type_from_number(0xffffffffU));
}

TEST(TensorTypes, SizesInBytes) {
  EXPECT_EQ(tensor_bytes(TensorType::kF32, std::array<std::uint64_t, 2>{3, 5}), 60U);
  EXPECT_EQ(tensor_bytes(TensorType::kQ8_0, std::array<std::uint64_t, 2>{64, 2}), 2U * 2 * 34);
  EXPECT_EQ(tensor_bytes(TensorType::kQ4_K, std::array<std::uint64_t, 3>{512, 2, 3}), 2U * 2 * 3 * 144);
  EXPECT_EQ(tensor_bytes(TensorType::kF32, {}), 4U);
  EXPECT_EQ(tensor_bytes(TensorType::kF32, std::array<std::uint64_t, 2>{7, 0}), 0U);
}

TEST(TensorTypes, ImpossibleSizesHaveNoBytes) {
  EXPECT_FALSE(tensor_bytes(TensorType::kQ8_0, std::array<std::uint64_t, 2>{33, 2}));  // not whole blocks
  EXPECT_FALSE(tensor_bytes(TensorType::kQ8_0, {}));
  constexpr std::uint64_t kHuge = std::uint64_t{1} << 62;
  EXPECT_FALSE(tensor_bytes(TensorType::kF32, std::array<std::uint64_t, 1>{kHuge}));
  EXPECT_FALSE(tensor_bytes(TensorType::kI8, std::array<std::uint64_t, 2>{kHuge, 2}));
  EXPECT_FALSE(tensor_bytes(TensorType::kI8, std::array<std::uint64_t, 1>{std::uint64_t{1} << 63}));
  EXPECT_FALSE(tensor_bytes(TensorType::kF32, std::array<std::uint64_t, 3>{kHuge, kHuge, 0}));
  EXPECT_EQ(tensor_bytes(TensorType::kI8, std::array<std::uint64_t, 1>{kHuge}), kHuge);
}

}  // namespace
}  // namespace hyprstream
