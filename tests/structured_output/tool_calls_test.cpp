#include "structured_output/tool_calls.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace hyprstream {
namespace {

const std::vector<ToolDefinition> kTools = {{"get_weather", "", ""}, {"add", "", ""}};

struct Heard {
  std::string text;
  std::vector<std::pair<std::string, std::string>> calls;  // name, arguments

  friend bool operator==(const Heard&, const Heard&) = default;
};

void PrintTo(const Heard& heard, std::ostream* out) {
  *out << "text '" << heard.text << "'";
  for (const auto& [name, arguments] : heard.calls) *out << ", " << name << arguments;
}

Heard hear(std::string_view text, std::size_t piece) {
  ToolCallParser parser(kTools);
  Heard heard;
  const auto add = [&](const ToolCallParser::Output& output) {
    heard.text += output.text;
    for (const auto& call : output.calls) heard.calls.emplace_back(call.name, call.arguments);
  };
  for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) add(parser.push(text.substr(0, piece)));
  add(parser.finish());
  return heard;
}

// However the text is cut.
void expect(std::string_view text, const Heard& expected) {
  for (const std::size_t piece : {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{7}, std::size_t{1000}})
    EXPECT_EQ(hear(text, piece), expected) << text << " in pieces of " << piece;
}

TEST(ToolCallParser, TextIsText) {
  expect("", {});
  expect("Hello, <b>world</b>. \n", {"Hello, <b>world</b>. \n", {}});
  expect("a <tool_cal", {"a <tool_cal", {}});
  expect("<tool_calls> 1 < 2", {"<tool_calls> 1 < 2", {}});
  expect("<tool_<tool_x", {"<tool_<tool_x", {}});
}

TEST(ToolCallParser, Calls) {
  expect("<tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\": 1, \"b\": 2}}\n</tool_call>",
         {"", {{"add", R"({"a":1,"b":2})"}}});
  expect(
      "Let me see.\n\n<tool_call>{\"name\":\"get_weather\",\"arguments\":{\"city\":\"Zürich\"}}</tool_call>\n"
      "<tool_call>\n{\"arguments\": {}, \"name\": \"add\"}\n</tool_call>\n",
      {"Let me see.", {{"get_weather", R"({"city":"Zürich"})"}, {"add", "{}"}}});
  expect("<tool_call>{\"name\":\"add\"}</tool_call> So it is. ", {"So it is. ", {{"add", "{}"}}});
}

TEST(ToolCallParser, AClosingTagWithinAnArgumentIsPartOfIt) {
  expect(R"(<tool_call>{"name":"add","arguments":{"x":"</tool_call>","y":"\"</tool_call>\\"}}</tool_call>!)",
         {"!", {{"add", R"({"x":"</tool_call>","y":"\"</tool_call>\\"})"}}});
}

TEST(ToolCallParser, ArgumentsMayBeWrittenAsAString) {
  expect(R"(<tool_call>{"name":"add","arguments":"{\"a\": 1}"}</tool_call>)", {"", {{"add", R"({"a": 1})"}}});
}

TEST(ToolCallParser, TheClosingTagMayBeMissingAtTheEnd) {
  expect("x <tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\": 1}}\n", {"x", {{"add", R"({"a":1})"}}});
}

TEST(ToolCallParser, WhatIsNoCallComesOutAsItIs) {
  for (const char* text : {
           "a <tool_call>\n{\"name\": \"add\", \"arg\n</tool_call> b",
           "<tool_call>{\"name\": \"unknown\", \"arguments\": {}}</tool_call>",
           "<tool_call>{\"name\": 5}</tool_call>",
           "<tool_call>[]</tool_call>",
           "<tool_call></tool_call>",
           "<tool_call>{\"name\": \"add\", \"arguments\": [1]}</tool_call>",
           "<tool_call>{\"name\": \"add\", \"arguments\": \"no\"}</tool_call>",
           "<tool_call>{\"name\": \"add\", \"name\": \"add\"}</tool_call>",
           "<tool_call>{\"name\": \"add",
           " \n <tool_call> ",
       })
    expect(text, {text, {}});
  expect("<tool_call>no</tool_call>\n<tool_call>{\"name\":\"add\"}</tool_call>",
         {"<tool_call>no</tool_call>", {{"add", "{}"}}});
}

TEST(ToolCallParser, IdsAreFresh) {
  ToolCallParser parser(kTools);
  std::set<std::string> ids;
  for (int i = 0; i < 100; ++i) {
    const auto output = parser.push("<tool_call>{\"name\":\"add\"}</tool_call>");
    ASSERT_EQ(output.calls.size(), 1U);
    EXPECT_THAT(output.calls[0].id, testing::MatchesRegex("call_[0-9A-Za-z]{24}"));
    ids.insert(output.calls[0].id);
  }
  EXPECT_EQ(ids.size(), 100U);
}

TEST(ToolCallParser, TextIsNotHeldBackLongerThanNeeded) {
  ToolCallParser parser(kTools);
  EXPECT_EQ(parser.push("Hello").text, "Hello");
  EXPECT_EQ(parser.push(" there <").text, " there");
  EXPECT_EQ(parser.push("b").text, " <b");
  EXPECT_EQ(parser.push(" \n<tool_call>{\"name\":").text, "");
  EXPECT_EQ(parser.push("\"add\"}</tool_call>").calls.size(), 1U);
}

}  // namespace
}  // namespace hyprstream
