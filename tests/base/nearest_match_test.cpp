#include "base/nearest_match.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace hyprstream {
namespace {

TEST(NearestMatch, CountsEdits) {
  EXPECT_EQ(edit_distance("", ""), 0U);
  EXPECT_EQ(edit_distance("", "abc"), 3U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
  EXPECT_EQ(edit_distance("run", "rnu"), 1U);  // a swap of neighbours is one edit
  EXPECT_EQ(edit_distance("ab", "ba"), 1U);
  EXPECT_EQ(edit_distance("--seed", "--sed"), 1U);
}

TEST(NearestMatch, FindsSlipsOfTheFinger) {
  const std::vector<std::string> names{"quick-start", "run", "model", "completion"};
  EXPECT_EQ(nearest_match("quickstart", names), "quick-start");
  EXPECT_EQ(nearest_match("rnu", names), "run");
  EXPECT_EQ(nearest_match("modle", names), "model");
  EXPECT_EQ(nearest_match("comp", names), "completion");  // its beginning
  EXPECT_EQ(nearest_match("quick", names), "quick-start");
}

TEST(NearestMatch, DoesNotGuessWildly) {
  const std::vector<std::string> names{"quick-start", "run", "model"};
  EXPECT_EQ(nearest_match("frobnicate", names), std::nullopt);
  EXPECT_EQ(nearest_match("", names), std::nullopt);
  EXPECT_EQ(nearest_match("bed", names), std::nullopt);
  EXPECT_EQ(nearest_match(std::string(100'000, 'x'), names), std::nullopt);
  EXPECT_EQ(nearest_match("run", {}), std::nullopt);
}

}  // namespace
}  // namespace hyprstream
