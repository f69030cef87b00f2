#include "training_data/example_text.hpp"

#include <gtest/gtest.h>

namespace hyprstream {
namespace {

std::string error_of(std::string_view jsonl) {
  const auto file = parse_examples(jsonl, "train.jsonl");
  return file ? "" : file.error().message;
}

TEST(ExampleText, ReadsEachKindAndKeepsLineNumbers) {
  const auto file = parse_examples(
      "\xef\xbb\xbf{\"prompt\": \"Hi\", \"completion\": \"Arr\"}\r\n\n"
      "  \n{\"text\": \"Once\\nupon\"}\n"
      R"({"messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"},)"
      R"( {"role": "assistant", "content": [{"type": "text", "text": "Ahoy"}, {"type": "text", "text": "!"}]}]})",
      "train.jsonl");
  ASSERT_TRUE(file) << file.error().message;
  ASSERT_EQ(file->examples.size(), 3U);
  const auto& pair = file->examples[0];
  EXPECT_EQ(pair.kind, ExampleKind::kPromptCompletion);
  ASSERT_EQ(pair.messages.size(), 2U);
  EXPECT_EQ(pair.messages[0].role, "user");
  EXPECT_EQ(pair.messages[0].content, "Hi");
  EXPECT_EQ(pair.messages[1].content, "Arr");
  EXPECT_EQ(pair.is_learned, (std::vector<std::uint8_t>{0, 1}));
  EXPECT_EQ(file->examples[1].kind, ExampleKind::kText);
  EXPECT_EQ(file->examples[1].text, "Once\nupon");
  EXPECT_EQ(file->examples[1].line, 4U);
  const auto& chat = file->examples[2];
  EXPECT_EQ(chat.kind, ExampleKind::kMessages);
  EXPECT_EQ(chat.messages[2].content, "Ahoy!");
  EXPECT_EQ(chat.is_learned, (std::vector<std::uint8_t>{0, 0, 1}));
  EXPECT_EQ(file->place(chat), "train.jsonl, line 5");
}

TEST(ExampleText, ReadsToolsCallsAndWeights) {
  const auto file = parse_examples(
      R"({"messages": [{"role": "user", "content": "Rain?"},)"
      R"({"role": "assistant", "content": null, "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{\"city\": \"Oslo\"}"}}], "weight": 0},)"
      R"({"role": "tool", "tool_call_id": "call_1", "content": "wet"}, {"role": "assistant", "content": "Yes", "weight": 1}],)"
      R"("tools": [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]})",
      "t");
  ASSERT_TRUE(file) << file.error().message;
  const auto& example = file->examples[0];
  EXPECT_EQ(example.is_learned, (std::vector<std::uint8_t>{0, 0, 0, 1}));
  ASSERT_EQ(example.messages[1].tool_calls.size(), 1U);
  EXPECT_EQ(example.messages[1].tool_calls[0].arguments, R"({"city": "Oslo"})");
  EXPECT_EQ(example.messages[2].tool_call_id, "call_1");
  ASSERT_EQ(example.tools.size(), 1U);
  EXPECT_EQ(example.tools[0].parameters, R"({"type":"object"})");
}

struct BadLine {
  const char* line;
  const char* part;  // of the message
};

class BadExample : public testing::TestWithParam<BadLine> {};

TEST_P(BadExample, IsRefusedWithFileLineAndReason) {
  const std::string sound = R"({"prompt": "Hi", "completion": "Arr"})";
  const auto message = error_of(sound + "\n\n" + GetParam().line);
  EXPECT_TRUE(message.starts_with("train.jsonl, line 3")) << message;
  EXPECT_NE(message.find(GetParam().part), std::string::npos) << message;
  EXPECT_EQ(message.find('\n'), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(
    Each, BadExample,
    testing::Values(
        BadLine{R"({"prompt": "a", "completion": )", "is not valid JSON at column 31"},
        BadLine{"[1]", "no JSON object"}, BadLine{"{}", "an example is"},
        BadLine{R"({"prompt": "a"})", "no 'completion'"}, BadLine{R"({"completion": "a"})", "no 'prompt'"},
        BadLine{R"({"prompt": "a", "completion": ""})", "'completion' is empty"},
        BadLine{R"({"prompt": 1, "completion": "a"})", "'prompt' must be a text, not number"},
        BadLine{R"({"text": ["a"]})", "'text' must be a text, not array"},
        BadLine{R"({"text": "a", "text": "b"})", "twice"}, BadLine{R"({"messages": []})", "must be a list of messages"},
        BadLine{R"({"messages": [{"content": "a"}]})", "'messages[0]' has no 'role'"},
        BadLine{R"({"messages": [{"role": "user", "content": "a"}]})", "nothing to learn"},
        BadLine{R"({"messages": [{"role": "assistant", "content": "a"}]})", "nothing that it answers"},
        BadLine{R"({"messages": [{"role": "user"}, {"role": "assistant", "content": "a"}]})",
                "'messages[0].content' is missing or empty"},
        BadLine{R"({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]})", "something other than text"},
        BadLine{
            R"({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b", "weight": 2}]})",
            "must be 0 or 1"},
        BadLine{"{\"text\": \"\xff\"}", "not valid UTF-8 at byte 11"}));

TEST(ExampleText, RefusesAFileWithoutExamples) {
  for (const char* empty : {"", "\n\n", "  \r\n"})
    EXPECT_EQ(error_of(empty).find("train.jsonl holds no examples"), 0U) << error_of(empty);
}

TEST(ExampleText, DeepNestingIsAnError) {
  EXPECT_FALSE(parse_examples(R"({"text": )" + std::string(100'000, '['), "t"));
}

}  // namespace
}  // namespace hyprstream
