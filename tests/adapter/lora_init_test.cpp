#include "adapter/lora_init.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace hyprstream {
namespace {

using testing::HasSubstr;

BaseModel base_model() {
  BaseModel base{.name = "sizes", .architecture = "qwen3", .header_sha256 = {}, .linears = {}, .other_weights = {}};
  for (int layer = 0; layer < 2; ++layer) {
    base.linears.push_back({{layer, LinearModule::kQ}, 256, 512});
    base.linears.push_back({{layer, LinearModule::kV}, 256, 128});
  }
  return base;
}

struct Moments {
  double mean = 0, deviation = 0, largest = 0;
};
Moments moments(const std::vector<float>& values) {
  Moments found;
  for (const float value : values) found.mean += static_cast<double>(value) / static_cast<double>(values.size());
  for (const float value : values) {
    const double off = static_cast<double>(value) - found.mean;
    found.deviation += off * off / static_cast<double>(values.size());
    found.largest = std::max(found.largest, std::abs(static_cast<double>(value)));
  }
  found.deviation = std::sqrt(found.deviation);
  return found;
}

TEST(LoraInit, GaussianIsNormalInBothFactors) {
  const auto adapter = make_lora_adapter(base_model(), {.rank = 64, .alpha = 32, .seed = 5});
  ASSERT_TRUE(adapter) << adapter.error().message;
  ASSERT_EQ(adapter->pairs().size(), 4U);
  EXPECT_TRUE(adapter->changes_anything());
  for (const auto& pair : adapter->pairs()) {
    EXPECT_EQ(pair.scaling, 0.5F);
    for (const auto* factor : {&pair.a, &pair.b}) {
      const auto values = factor->to_dense();
      const auto found = moments(values);
      const auto count = static_cast<double>(values.size());
      EXPECT_NEAR(found.mean, 0, 5 * 0.02 / std::sqrt(count));
      EXPECT_NEAR(found.deviation, 0.02, 5 * 0.02 / std::sqrt(2 * count));
      const auto within =
          static_cast<double>(std::ranges::count_if(values, [](float v) { return std::abs(v) < 0.02F; }));
      EXPECT_NEAR(within / count, 0.6827, 5 * std::sqrt(0.6827 * 0.3173 / count));
      EXPECT_GT(found.largest, 3 * 0.02);
    }
  }
}

TEST(LoraInit, StandardIsUniformInAAndZeroInB) {
  const auto adapter = make_lora_adapter(base_model(), {.rank = 64, .init = LoraInit::kStandard, .seed = 5});
  ASSERT_TRUE(adapter) << adapter.error().message;
  EXPECT_FALSE(adapter->changes_anything());
  for (const auto& pair : adapter->pairs()) {
    EXPECT_EQ(pair.b.nnz(), 0U);
    const auto values = pair.a.to_dense();
    const auto found = moments(values);
    const double bound = 1 / std::sqrt(256.0);
    EXPECT_LE(found.largest, bound);
    EXPECT_GT(found.largest, 0.99 * bound);
    EXPECT_NEAR(found.deviation, bound / std::sqrt(3.0), 0.02 * bound);
    EXPECT_NEAR(found.mean, 0, 5 * found.deviation / std::sqrt(static_cast<double>(values.size())));
  }
}

TEST(LoraInit, TheSeedDecidesEverythingButTheId) {
  const auto first = make_lora_adapter(base_model(), {.seed = 7}).value();
  const auto again = make_lora_adapter(base_model(), {.seed = 7}).value();
  const auto other = make_lora_adapter(base_model(), {.seed = 8}).value();
  EXPECT_NE(first.id(), again.id());
  for (std::size_t i = 0; i < first.pairs().size(); ++i) {
    EXPECT_TRUE(first.pairs()[i].a == again.pairs()[i].a);
    EXPECT_TRUE(first.pairs()[i].b == again.pairs()[i].b);
    EXPECT_FALSE(first.pairs()[i].a == other.pairs()[i].a);
  }
  EXPECT_FALSE(first.pairs()[0].a == first.pairs()[2].a);
}

TEST(LoraInit, DescribesItself) {
  const auto adapter =
      make_lora_adapter(base_model(), {.rank = 4, .alpha = 6, .target_modules = {LinearModule::kV}}).value();
  const auto& description = adapter.description();
  EXPECT_TRUE(is_uuid(description.id));
  EXPECT_EQ(description.name, default_adapter_name(description.id));
  EXPECT_EQ(description.rank, 4U);
  EXPECT_EQ(description.alpha, 6);
  EXPECT_EQ(description.target_modules, std::vector{LinearModule::kV});
  EXPECT_EQ(description.base.linears.size(), 2U);
  EXPECT_EQ(adapter.pairs()[1].id, (LinearId{1, LinearModule::kV}));
  EXPECT_EQ(make_lora_adapter(base_model(), {.name = "mine"})->name(), "mine");
}

TEST(LoraInit, TakesARankAboveTheLayersWidth) {
  const auto adapter = make_lora_adapter(base_model(), {.rank = 300, .target_modules = {LinearModule::kV}});
  ASSERT_TRUE(adapter) << adapter.error().message;
  EXPECT_EQ(adapter->pairs()[0].rank(), 300U);
}

TEST(LoraInit, SaysWhatItRefuses) {
  const auto expect_refused = [](const LoraSpec& spec, ErrorCode code, const char* part) {
    const auto made = make_lora_adapter(base_model(), spec);
    ASSERT_FALSE(made) << part;
    EXPECT_EQ(made.error().code, code);
    EXPECT_THAT(made.error().message, HasSubstr(part));
  };
  using enum ErrorCode;
  expect_refused({.rank = 0}, kInvalidArgument, "rank 0");
  expect_refused({.rank = 65'537}, kInvalidArgument, "rank 65537");
  expect_refused({.alpha = 0}, kInvalidArgument, "alpha 0");
  expect_refused({.alpha = std::numeric_limits<double>::quiet_NaN()}, kInvalidArgument, "alpha nan");
  expect_refused({.target_modules = {}}, kInvalidArgument, "target module");
  expect_refused({.target_modules = {LinearModule::kUp}}, kUnsupported, "sizes has no up_proj");
  expect_refused({.device = "cuda"}, kUnsupported, "device 'cuda'");
  auto base = base_model();
  for (int layer = 2; layer < 100; ++layer) base.linears.push_back({{layer, LinearModule::kQ}, 8192, 8192});
  const auto huge = make_lora_adapter(base, {.rank = 65'536});
  ASSERT_FALSE(huge);
  EXPECT_EQ(huge.error().code, kResourceExhausted);
}

}  // namespace
}  // namespace hyprstream
