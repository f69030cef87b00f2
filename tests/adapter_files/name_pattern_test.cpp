#include "adapter_files/name_pattern.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace hyprstream {
namespace {

bool matches(std::string_view pattern, std::string_view text) {
  const auto parsed = NamePattern::parse(pattern);
  EXPECT_TRUE(parsed) << parsed.error().message;
  return parsed && parsed->matches(text);
}

// The expectations are Python's: re.fullmatch(pattern, text).
TEST(NamePattern, MatchesAsPythonDoes) {
  EXPECT_TRUE(matches("", ""));
  EXPECT_FALSE(matches("", "a"));
  EXPECT_TRUE(matches("q_proj", "q_proj"));
  EXPECT_FALSE(matches("q_proj", "xq_proj"));
  EXPECT_TRUE(matches(R"(.*\.(q|v)_proj)", "model.layers.0.self_attn.v_proj"));
  EXPECT_FALSE(matches(R"(.*\.(q|v)_proj)", "model.layers.0.self_attn.k_proj"));
  EXPECT_FALSE(matches(R"(.*\.(q|v)_proj)", "q_proj"));
  EXPECT_TRUE(matches(R"(model\.layers\.\d+\.mlp\.(?:up|down)_proj)", "model.layers.17.mlp.down_proj"));
  EXPECT_FALSE(matches(R"(model\.layers\.\d+\.mlp\.(?:up|down)_proj)", "model.layers..mlp.down_proj"));
  EXPECT_TRUE(matches("[a-cx]+", "abcx"));
  EXPECT_FALSE(matches("[a-cx]+", "abd"));
  EXPECT_TRUE(matches("[^0-9]*", "abc"));
  EXPECT_FALSE(matches("[^0-9]*", "a1c"));
  EXPECT_TRUE(matches("[]a]+", "]a"));
  EXPECT_TRUE(matches(R"([\d_]{2,3})", "1_2"));
  EXPECT_FALSE(matches(R"([\d_]{2,3})", "1"));
  EXPECT_FALSE(matches(R"([\d_]{2,3})", "1234"));
  EXPECT_TRUE(matches("a{2,}", "aaaa"));
  EXPECT_FALSE(matches("a{2,}", "a"));
  EXPECT_TRUE(matches("a{,2}b", "b"));
  EXPECT_TRUE(matches("a{x}", "a{x}"));  // no count: text
  EXPECT_TRUE(matches("a??b+?", "abb"));
  EXPECT_TRUE(matches("^a$", "a"));
  EXPECT_FALSE(matches("a^b", "ab"));
  EXPECT_TRUE(matches("(|a)b", "b"));
  EXPECT_TRUE(matches(R"(\w\W\s\S\D)", "a. xx"));
  EXPECT_TRUE(matches(R"(a\.b)", "a.b"));
  EXPECT_FALSE(matches(R"(a\.b)", "axb"));
  EXPECT_FALSE(matches(".", "\n"));
}

TEST(NamePattern, TakesNoMoreTimeForEvilPatterns) {
  const std::string text(2'000, 'a');
  EXPECT_FALSE(matches("(a*)*b", text));
  EXPECT_FALSE(matches("(a|a|aa)*b", text));
  EXPECT_FALSE(NamePattern::parse("(((((){256}){256}){256}){256}){256}"));
  EXPECT_FALSE(NamePattern::parse("((a{200}){200}){200}"));
  EXPECT_FALSE(NamePattern::parse(std::string(1'000, '(')));
  EXPECT_FALSE(NamePattern::parse(std::string(1'025, 'a')));
}

TEST(NamePattern, RefusesTheRestOfTheLanguage) {
  for (const auto* pattern : {"(?!a)b", "(?P<n>a)", R"((a)\1)", R"(\ba)", "a*+", "(?i:a)", "a{1,1000}", R"([a-\d])"}) {
    const auto parsed = NamePattern::parse(pattern);
    ASSERT_FALSE(parsed) << pattern;
    EXPECT_EQ(parsed.error().code, ErrorCode::kUnsupported) << parsed.error().message;
    EXPECT_NE(parsed.error().message.find(pattern), std::string::npos);
  }
  for (const auto* pattern : {"(a", "a)", "*a", "a**", "[a", "a\\", "[b-a]", "a{2,1}"}) {
    const auto parsed = NamePattern::parse(pattern);
    ASSERT_FALSE(parsed) << pattern;
    EXPECT_EQ(parsed.error().code, ErrorCode::kCorrupt) << parsed.error().message;
  }
}

}  // namespace
}  // namespace hyprstream
