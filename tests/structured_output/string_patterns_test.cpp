#include "structured_output/string_patterns.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <regex>

#include "grammar_driver.hpp"

namespace hyprstream {
namespace {

using namespace testing_support;
using testing::HasSubstr;

std::string quoted(const std::string& text) { return nlohmann::json(text).dump(); }

// The C++ library's reading of the same language decides.
TEST(StringPatterns, AgreeWithTheStandardLibrary) {
  const std::vector<std::string> texts = {"",     "a",   "b",      "ab",   "abc",    "aab", "abab", "ba",   "a1",
                                          "12",   "a b", "a-b",    "a.b",  "a/b",    "A_9", "x\ty", "a\nb", "\"a\"",
                                          "a\\b", "{a}", "[a]",    "(a)",  "a|b",    "^a$", "$",    "aaaa", "aaaaa",
                                          "foo",  "bar", "foobar", "0x1F", "-1.5e3", "caab"};
  for (const char* pattern : {"^a$",
                              "a",
                              "^a",
                              "b$",
                              "",
                              "^$",
                              "^a*$",
                              "^a+b?$",
                              "^(ab)+$",
                              "^(?:a|b)+$",
                              "^a|b$",
                              "^foo$|^bar$",
                              "^(foo|bar)*?x?$",
                              R"(^\d+$)",
                              R"(^\D+$)",
                              R"(^\w+$)",
                              R"(\W)",
                              R"(\s)",
                              R"(^\S+$)",
                              "^.$",
                              "^.*$",
                              "^[abc]+$",
                              "^[^abc]+$",
                              "^[a-c1-3]+$",
                              R"(^[\w.-]+$)",
                              R"(^[\d]$)",
                              R"(^a\.b$)",
                              R"(^a\/b$)",
                              R"(^\[a\]$)",
                              R"(^\(a\)$)",
                              R"(^\{a\}$)",
                              R"(^a\|b$)",
                              R"(^\^a\$$)",
                              R"(\\)",
                              R"(^"a"$)",
                              R"(^[\\"]|[)\]])",
                              "^a{4}$",
                              "^a{2,}$",
                              "^a{1,3}$",
                              "^(ab){0,1}$",
                              R"(^x\ty$)",
                              R"(^a\nb$)",
                              R"(^a\x62c$)",
                              R"(^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$)",
                              R"(^0x[0-9A-Fa-f]+$)",
                              "^c(a(a|b)b?)*$",
                              "^[a-]+$",
                              "^[-a]+$",
                              "^a{0}b$"}) {
    GbnfWriter writer(SchemaLimits{});
    const auto rule = pattern_rule(writer, pattern);
    ASSERT_TRUE(rule) << pattern << ": " << rule.error().message;
    ASSERT_TRUE(writer.check()) << pattern;
    const auto grammar = writer.finish(*rule);
    const std::regex expression(pattern);
    for (const auto& text : texts)
      EXPECT_EQ(accepts(grammar, quoted(text)), std::regex_search(text, expression))
          << text << " against " << pattern << "\n"
          << grammar;
  }
}

TEST(StringPatterns, CountCharactersNotBytes) {
  GbnfWriter writer(SchemaLimits{});
  const auto grammar = writer.finish(pattern_rule(writer, "^[äé]{2}.\\u00fc$").value());
  EXPECT_TRUE(accepts(grammar, "\"äé🚀ü\""));
  EXPECT_FALSE(accepts(grammar, "\"äéü\""));
  EXPECT_FALSE(accepts(grammar, "\"aé🚀ü\""));
}

TEST(StringPatterns, NameWhatTheyDoNotTake) {
  struct Refusal {
    const char* pattern;
    ErrorCode code;
    const char* words;
  };
  for (const auto& [pattern, code, words] : std::initializer_list<Refusal>{
           {"(?=a)", ErrorCode::kUnsupported, "begins with '(?'"},
           {"(?<x>a)", ErrorCode::kUnsupported, "begins with '(?'"},
           {R"((a)\1)", ErrorCode::kUnsupported, "at character 4 an escape"},
           {R"(\bword)", ErrorCode::kUnsupported, "an escape"},
           {R"(\p{L})", ErrorCode::kUnsupported, "an escape"},
           {"a^b", ErrorCode::kUnsupported, "a '^'"},
           {"(a$)", ErrorCode::kUnsupported, "a '$'"},
           {"(a*)*", ErrorCode::kUnsupported, "a repetition of what may be empty"},
           {"(a|){3}", ErrorCode::kUnsupported, "a repetition of what may be empty"},
           {"[]", ErrorCode::kUnsupported, "a class of no character"},
           {R"(\ud83d)", ErrorCode::kUnsupported, "surrogate"},
           {R"(\x01)", ErrorCode::kUnsupported, "no JSON string"},
           {"(a", ErrorCode::kInvalidArgument, "is not closed"},
           {"a)", ErrorCode::kInvalidArgument, "a ')' too many"},
           {"[a", ErrorCode::kInvalidArgument, "is not closed"},
           {"[z-a]", ErrorCode::kInvalidArgument, "out of order"},
           {"*a", ErrorCode::kInvalidArgument, "nothing to repeat"},
           {"a**", ErrorCode::kInvalidArgument, "nothing to repeat"},
           {"a{2", ErrorCode::kInvalidArgument, "'{'"},
           {"a{3,2}", ErrorCode::kInvalidArgument, "out of order"},
           {"a\\", ErrorCode::kInvalidArgument, "at its end"},
           {R"(\x1)", ErrorCode::kInvalidArgument, "cut short"},
           {"a{1001}", ErrorCode::kResourceExhausted, "more than 1000 times"},
       }) {
    GbnfWriter writer(SchemaLimits{});
    const auto rule = pattern_rule(writer, pattern);
    ASSERT_FALSE(rule) << pattern << ": " << *rule;
    EXPECT_EQ(rule.error().code, code) << pattern << ": " << rule.error().message;
    EXPECT_THAT(rule.error().message, HasSubstr(words)) << pattern;
  }
  GbnfWriter writer(SchemaLimits{});
  std::string deep;
  for (int i = 0; i < 50'000; ++i) deep += '(';
  EXPECT_EQ(pattern_rule(writer, deep).error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(pattern_rule(writer, deep.substr(0, 4000)).error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(pattern_rule(writer, std::string(5000, 'a')).error().code, ErrorCode::kResourceExhausted);
}

TEST(StringPatterns, AnUnknownFormatIsNamed) {
  GbnfWriter writer(SchemaLimits{});
  const auto rule = format_rule(writer, "idn-email");
  ASSERT_FALSE(rule);
  EXPECT_EQ(rule.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(rule.error().message, testing::AllOf(HasSubstr("'idn-email'"), HasSubstr("date-time")));
}

}  // namespace
}  // namespace hyprstream
