#include "runtime/tool_prompt.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "runtime/builtin_chat_template.hpp"
#include "runtime/chat_template.hpp"
#include "runtime/minja_template.hpp"

namespace hyprstream {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using Chat = std::vector<ChatMessage>;

std::string data_file(const std::string& name) {
  std::ifstream file(std::filesystem::path(HYPRSTREAM_SOURCE_DIR) / "tests/data/chat_templates" / name);
  EXPECT_TRUE(file) << name;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

const std::vector<ToolDefinition> kTools = {
    {"get_weather", "The weather of a city.",
     R"({"type":"object","properties":{"city":{"type":"string","description":"größer"},"days":{"type":"array",)"
     R"("items":{"type":"integer"}}},"required":["city"]})"},
    {"now", "", ""},
};

Chat with_calls() {
  Chat chat = {{.role = "system", .content = "Be kind."},
               {.role = "user", .content = "Weather in Rome and Zürich?"},
               {.role = "assistant", .content = ""},
               {.role = "tool", .content = R"({"t": 21})", .tool_calls = {}, .tool_call_id = "call_1"},
               {.role = "tool", .content = R"({"t": 12})", .tool_calls = {}, .tool_call_id = "call_2"}};
  chat[2].tool_calls = {{"call_1", "get_weather", R"({"city":"Rome","days":[1,2]})"},
                        {"call_2", "get_weather", R"({"city":"Zürich"})"}};
  return chat;
}

Result<std::string> render(const std::string& source, const Chat& chat, const std::vector<ToolDefinition>& tools) {
  HYPRSTREAM_ASSIGN(const auto chat_template, ChatTemplate::create(source, "<s>", "</s>"));
  return chat_template.render(chat, {.add_generation_prompt = true, .tools = tools});
}

// The .txt files are what transformers 5.12 with Jinja 3.1 makes of the same templates, chat and tools.
TEST(ToolPrompt, TemplatesOfTheUsualKinds) {
  for (const std::string name : {"tools-qwen2", "tools-qwen3", "tools-hermes"}) {
    const auto source = data_file(name + ".jinja");
    EXPECT_TRUE(writes_tool_calls(source)) << name;
    const auto prompt = render(source, with_calls(), kTools);
    ASSERT_TRUE(prompt) << name << ": " << prompt.error().message;
    EXPECT_EQ(*prompt, data_file(name + ".txt")) << name;
  }
}

TEST(ToolPrompt, WhichTemplatesWriteCallsThemselves) {
  EXPECT_TRUE(writes_tool_calls("{% if tools %}<tool_call>{% endif %}"));
  EXPECT_TRUE(writes_tool_calls("{%- for t in tools -%}{{ '<tool_call>' }}{% endfor %}"));
  EXPECT_FALSE(writes_tool_calls("{% if tools %}[TOOL_CALLS]{% endif %}"));  // another form of call
  EXPECT_FALSE(writes_tool_calls("{# tools #}<tool_call>"));
  EXPECT_FALSE(writes_tool_calls("tools <tool_call> {{ my_tools }} {{ toolset }}"));
  EXPECT_FALSE(writes_tool_calls(""));
  for (const char* name : {"gemma", "llama3", "mistral", "reasoning", "whitespace"})
    EXPECT_FALSE(writes_tool_calls(data_file(std::string(name) + ".jinja"))) << name;
}

constexpr const char* kChatMl =
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

TEST(ToolPrompt, OtherTemplatesGetText) {
  const auto prompt = render(kChatMl, with_calls(), kTools);
  ASSERT_TRUE(prompt) << prompt.error().message;
  EXPECT_THAT(*prompt, AllOf(StartsWith("<|im_start|>system\nBe kind.\n\n# Functions\n"),
                             HasSubstr(R"({"type":"function","function":{"name":"now","parameters":)")));
  EXPECT_THAT(*prompt, HasSubstr("<|im_start|>assistant\n<tool_call>\n"
                                 "{\"name\": \"get_weather\", \"arguments\": {\"city\":\"Rome\",\"days\":[1,2]}}\n"
                                 "</tool_call>\n<tool_call>\n"
                                 "{\"name\": \"get_weather\", \"arguments\": {\"city\":\"Zürich\"}}\n"
                                 "</tool_call><|im_end|>\n"));
  EXPECT_THAT(*prompt, testing::EndsWith("<|im_start|>user\n<tool_response>\n{\"t\": 21}\n</tool_response>\n"
                                         "<tool_response>\n{\"t\": 12}\n</tool_response><|im_end|>\n"
                                         "<|im_start|>assistant\n"));
  // llama.cpp's built-in ones, too.
  EXPECT_EQ(apply_builtin_chat_template("chatml", with_calls(), {.add_generation_prompt = true, .tools = kTools}),
            *prompt);
}

TEST(ToolPrompt, WithoutASystemRoleTheUserSaysIt) {
  const Chat chat = {{"user", "Hi"}};
  const auto gemma = render(data_file("gemma.jinja"), chat, kTools);
  ASSERT_TRUE(gemma) << gemma.error().message;
  EXPECT_THAT(*gemma, AllOf(StartsWith("<s><start_of_turn>user\n# Functions"),
                            HasSubstr("</tool_response>.\n\nHi<end_of_turn>")));
  const auto mistral = render(data_file("mistral.jinja"), with_calls(), kTools);
  ASSERT_TRUE(mistral) << mistral.error().message;  // roles alternate
  EXPECT_THAT(*mistral, HasSubstr("[INST] Be kind.\n\n# Functions"));
}

TEST(ToolPrompt, WordsAfterAnAnswerAreOneMessageWithIt) {
  auto chat = with_calls();
  chat.push_back({.role = "user", .content = "And Bern?"});
  const auto text = tools_as_text(chat, {}, ToolPlacement::kSystem);
  ASSERT_TRUE(text);
  ASSERT_EQ(text->size(), 4U);
  EXPECT_EQ(text->front().content, "Be kind.");
  EXPECT_EQ(
      text->back().content,
      "<tool_response>\n{\"t\": 21}\n</tool_response>\n<tool_response>\n{\"t\": 12}\n</tool_response>\nAnd Bern?");
}

TEST(ToolPrompt, AChatWithoutToolsIsLeftAlone) {
  const Chat chat = {{"user", "Hi"}};
  EXPECT_FALSE(concerns_tools(chat, {}));
  EXPECT_TRUE(concerns_tools(with_calls(), {}));
  EXPECT_EQ(render(kChatMl, chat, {}).value(), "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
  EXPECT_EQ(render("{{ tools is defined }} {{ messages[0].tool_calls is defined }}", chat, {}).value(), "False False");
}

TEST(ToolPrompt, BadToolsAreNamed) {
  const Chat chat = {{"user", "Hi"}};
  const auto qwen = data_file("tools-qwen2.jinja");
  for (const auto& source : {std::string(kChatMl), qwen}) {
    for (const auto& [tool, words] : std::initializer_list<std::pair<ToolDefinition, const char*>>{
             {{"f", "", "{"}, "the tool 'f': the schema of its parameters is not valid JSON"},
             {{"f", "", "[]"}, "must be an object"},
             {{"f", "\xFF", ""}, "the tool 'f' is not valid UTF-8"}}) {
      const auto prompt = render(source, chat, {tool});
      ASSERT_FALSE(prompt);
      EXPECT_EQ(prompt.error().code, ErrorCode::kInvalidArgument);
      EXPECT_THAT(prompt.error().message, HasSubstr(words));
    }
  }
  auto broken = with_calls();
  broken[2].tool_calls[0].arguments = "\xFF";
  const auto prompt = render(qwen, broken, kTools);
  ASSERT_FALSE(prompt);
  EXPECT_THAT(prompt.error().message, HasSubstr("message 3 is not valid UTF-8"));
  EXPECT_THAT(prompt.error().message, Not(HasSubstr("\n")));
}

// A model may write arguments that are no JSON; they are shown as they are.
TEST(ToolPrompt, ArgumentsThatAreNoJson) {
  EXPECT_EQ(arguments_as_json({"", "f", "{\"a\": 1}"}), (nlohmann::ordered_json{{"a", 1}}));
  EXPECT_EQ(arguments_as_json({"", "f", "{a"}), "{a");
  EXPECT_EQ(arguments_as_json({"", "f", ""}), nlohmann::ordered_json::object());
}

}  // namespace
}  // namespace hyprstream
