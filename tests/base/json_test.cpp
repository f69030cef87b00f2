#include "base/json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace hyprstream {
namespace {

using testing::HasSubstr;

void expect_refused(const std::string& text, const std::string& part, std::size_t max_depth = 64) {
  const auto parsed = parse_json(text, "the test's text", max_depth);
  ASSERT_FALSE(parsed) << text;
  EXPECT_EQ(parsed.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(parsed.error().message, HasSubstr("the test's text"));
  EXPECT_THAT(parsed.error().message, HasSubstr(part)) << text;
}

std::string nested(std::size_t depth, char open, char close) {
  return std::string(depth, open) + std::string(depth, close);
}

TEST(Json, ReadsEveryKindOfValue) {
  const auto parsed = parse_json(R"( {"a": [1, -2.5, true, null, "\u00e9"], "b": {"a": 18446744073709551615}} )", "it");
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ((*parsed)["a"][1], -2.5);
  EXPECT_EQ((*parsed)["a"][4], "\xC3\xA9");
  EXPECT_EQ((*parsed)["b"]["a"].get<std::uint64_t>(), 18446744073709551615ULL);
}

TEST(Json, NamesLineAndColumn) {
  expect_refused("", "line 1, column 1");
  expect_refused("{\"a\": 1,\n  oops}", "line 2, column 3");
  expect_refused("[1, 2", "line 1, column 6");
  expect_refused("[1]\n]", "line 2, column 1");  // something behind the value
  expect_refused("{} {}", "line 1, column 4");
  expect_refused("[1] // no comments", "line 1, column 5");
  expect_refused("[\"a\xFF\"]", "line 1, column 4");       // not UTF-8
  expect_refused("[\"\xED\xA0\x80\"]", "line 1, column");  // a surrogate
  expect_refused("[NaN]", "line 1, column");
  expect_refused("[1e999]", "cannot have");
}

TEST(Json, RefusesAKeyTwice) {
  expect_refused(R"({"a": 1, "b": 2, "a": 1})", "the key 'a' twice");
  expect_refused(R"([{"x": {"r": 8, "r": 9}}])", "the key 'r' twice");
  expect_refused(R"({"a": 1, "\u0061": 2})", "the key 'a' twice");
  EXPECT_TRUE(parse_json(R"([{"a": 1}, {"a": {"a": 2}}])", "it"));
}

TEST(Json, RefusesDeepNestingWithoutRecursion) {
  EXPECT_TRUE(parse_json(nested(64, '[', ']'), "it"));
  expect_refused(nested(65, '[', ']'), "more than 64 deep");
  EXPECT_TRUE(parse_json(nested(3, '[', ']'), "it", 3));
  expect_refused(nested(4, '[', ']'), "more than 3 deep", 3);
  expect_refused(nested(5'000'000, '[', ']'), "more than 64 deep");
  expect_refused(std::string(5'000'000, '['), "more than 64 deep");
  std::string objects;
  for (int i = 0; i < 200'000; ++i) objects += R"({"a":)";
  expect_refused(objects, "more than 64 deep");
}

TEST(Json, KeepsTheOrderOfKeysWhereAsked) {
  const auto parsed = parse_ordered_json(R"({"z": 1, "a": 2, "m": {"y": 3, "b": 4}})", "it");
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed->dump(), R"({"z":1,"a":2,"m":{"y":3,"b":4}})");
  EXPECT_FALSE(parse_ordered_json(R"({"a": 1, "a": 2})", "it"));
  std::string many = "{\"first\": 0";
  for (int i = 0; i < 10'000; ++i) many += ",\"" + std::to_string(i) + "\":0";
  many += "}";
  EXPECT_TRUE(parse_json(many, "it"));
  EXPECT_FALSE(parse_ordered_json(many, "it"));
}

}  // namespace
}  // namespace hyprstream
