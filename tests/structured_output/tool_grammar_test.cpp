#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "grammar_driver.hpp"
#include "structured_output/tool_calls.hpp"

namespace hyprstream {
namespace {

using namespace testing_support;
using testing::AllOf;
using testing::HasSubstr;

const std::vector<ToolDefinition> kTools = {
    {"get_weather", "Weather of a city",
     R"({"type":"object","properties":{"city":{"type":"string","maxLength":8},"unit":{"enum":["C","F"]}},"required":["city"]})"},
    {"now", "The time", ""},
};

constexpr const char* kWeather =
    "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Rome\"}}\n</tool_call>";
constexpr const char* kNow = "<tool_call>\n{\"name\": \"now\", \"arguments\": {}}\n</tool_call>";

TEST(ToolGrammar, ForcesCalls) {
  const auto grammar = tool_call_grammar(kTools, {.mode = ToolChoice::Mode::kRequired, .name = {}});
  ASSERT_TRUE(grammar) << grammar.error().message;
  EXPECT_TRUE(accepts(*grammar, kWeather)) << *grammar;
  EXPECT_TRUE(accepts(*grammar, kNow));
  EXPECT_TRUE(accepts(*grammar, std::string(kNow) + "\n" + kWeather + "\n" + kNow));
  EXPECT_FALSE(accepts(*grammar, ""));
  EXPECT_FALSE(accepts(*grammar, "Hello"));
  EXPECT_FALSE(accepts(*grammar, "<tool_call>\n{\"name\": \"now\", \"arguments\": {\"a\": 1}}\n</tool_call>"));
  EXPECT_FALSE(accepts(*grammar, "<tool_call>\n{\"name\": \"then\", \"arguments\": {}}\n</tool_call>"));
}

TEST(ToolGrammar, OneCallAndANamedOne) {
  const auto one =
      tool_call_grammar(kTools, {.mode = ToolChoice::Mode::kRequired, .name = {}, .parallel_calls = false});
  ASSERT_TRUE(one);
  EXPECT_TRUE(accepts(*one, kNow));
  EXPECT_FALSE(accepts(*one, std::string(kNow) + "\n" + kNow));
  const auto named = tool_call_grammar(kTools, {.mode = ToolChoice::Mode::kNamed, .name = "now"});
  ASSERT_TRUE(named);
  EXPECT_TRUE(accepts(*named, kNow));
  EXPECT_FALSE(accepts(*named, kWeather));
}

TEST(ToolGrammar, WhatIsGeneratedIsHeard) {
  const auto grammar =
      tool_call_grammar(kTools, {.mode = ToolChoice::Mode::kRequired, .name = {}, .parallel_calls = false});
  ASSERT_TRUE(grammar);
  int whole = 0;
  for (std::uint32_t seed = 1; seed <= 16; ++seed) {
    const auto text = seed % 2 == 0 ? wander(*grammar, seed) : generate(*grammar, seed);
    if (!text) continue;
    ++whole;
    ToolCallParser parser(kTools);
    auto heard = parser.push(*text);
    EXPECT_EQ(heard.calls.size(), 1U) << *text;
    EXPECT_EQ(heard.text + parser.finish().text, "") << *text;
  }
  EXPECT_GE(whole, 10);
}

TEST(ToolGrammar, NamesTheToolThatIsWrong) {
  const auto refused = [](const std::vector<ToolDefinition>& tools, const ToolChoice& choice, ErrorCode code,
                          const auto& words) {
    const auto grammar = tool_call_grammar(tools, choice);
    ASSERT_FALSE(grammar);
    EXPECT_EQ(grammar.error().code, code) << grammar.error().message;
    EXPECT_THAT(grammar.error().message, words);
  };
  const ToolChoice required{.mode = ToolChoice::Mode::kRequired, .name = {}};
  refused({}, required, ErrorCode::kInvalidArgument, HasSubstr("no tools"));
  refused(kTools, {.mode = ToolChoice::Mode::kNone, .name = {}}, ErrorCode::kInvalidArgument, HasSubstr("'none'"));
  refused(kTools, {.mode = ToolChoice::Mode::kNamed, .name = "x"}, ErrorCode::kInvalidArgument, HasSubstr("'x'"));
  refused({{"f", "", "{"}}, required, ErrorCode::kInvalidArgument,
          AllOf(HasSubstr("'f'"), HasSubstr("not valid JSON")));
  refused({{"f", "", "[]"}}, required, ErrorCode::kInvalidArgument, HasSubstr("'f'"));
  refused({{"f", "", R"({"type":"string"})"}}, required, ErrorCode::kInvalidArgument, HasSubstr("'object'"));
  refused({{"f", "", R"({"properties":{"a":{"not":{}}}})"}}, required, ErrorCode::kUnsupported,
          AllOf(HasSubstr("'f'"), HasSubstr("'not'"), HasSubstr("'#/properties/a'")));
}

}  // namespace
}  // namespace hyprstream
