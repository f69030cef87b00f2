#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "test_engine.hpp"

namespace hyprstream {
namespace {

using namespace testing_support;

double dot(std::span<const float> a, std::span<const float> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

TEST(Embedding, IsAUnitVectorThatTellsTextsApart) {
  const auto engine = load(exact_options());
  const auto embed = [&](std::string_view text) { return engine->embed(tokens_of(*engine, text)).value(); };
  const auto sky = embed("Why is the sky blue?");
  ASSERT_EQ(sky.size(), static_cast<std::size_t>(engine->model_info().hidden_size));
  EXPECT_NEAR(dot(sky, sky), 1, 1e-5);
  EXPECT_LT(max_difference(sky, embed("Why is the sky blue?")), 1e-6F);
  const auto similar = embed("Why is the sky so blue?");
  const auto other = embed("Count from 1 to 10.");
  EXPECT_GT(dot(sky, similar), dot(sky, other) + 0.05);
}

// Logits after an embedding are what they were before it.
TEST(Embedding, LeavesTheEngineAsItWas) {
  const auto engine = load(exact_options());
  const auto tokens = tokens_of(*engine, prompts()[0]);
  const std::int32_t last = static_cast<std::int32_t>(tokens.size()) - 1;
  const auto before = logits_alone(*engine, tokens, {&last, 1});
  ASSERT_TRUE(engine->embed(tokens));
  EXPECT_LT(max_difference(logits_alone(*engine, tokens, {&last, 1}).front(), before.front()), 1e-5F);
}

TEST(Embedding, RefusesNothingAndTooMuch) {
  const auto engine = load(bundled_options());
  EXPECT_EQ(engine->embed({}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(engine->embed(std::vector<Token>(1025, 5)).error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace hyprstream
