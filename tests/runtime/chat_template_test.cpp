#include "runtime/chat_template.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "runtime/builtin_chat_template.hpp"
#include "runtime/minja_template.hpp"

namespace hyprstream {
namespace {

using testing::HasSubstr;
using testing::Not;
using Chat = std::vector<ChatMessage>;

// That of the bundled model, and of many others.
constexpr const char* kChatMl =
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' "
    "}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

std::string template_file(const std::string& name) {
  std::ifstream file(std::filesystem::path(HYPRSTREAM_SOURCE_DIR) / "tests/data/chat_templates" / (name + ".jinja"));
  EXPECT_TRUE(file) << name;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

Result<std::string> render(const std::string& source, const Chat& chat, bool add_generation_prompt = true,
                           const SandboxLimits& limits = {}, const std::string& bos = "<s>") {
  HYPRSTREAM_ASSIGN(const auto chat_template, ChatTemplate::create(source, bos, "</s>", limits));
  return chat_template.render(chat, {.add_generation_prompt = add_generation_prompt});
}

void expect_text(const Result<std::string>& result, const std::string& expected) {
  ASSERT_TRUE(result.has_value()) << result.error().message;
  EXPECT_EQ(*result, expected);
}

void expect_failure(const Result<std::string>& result, ErrorCode code, const std::string& words) {
  ASSERT_FALSE(result.has_value()) << *result;
  EXPECT_EQ(result.error().code, code) << result.error().message;
  EXPECT_THAT(result.error().message, HasSubstr(words));
  EXPECT_THAT(result.error().message, Not(HasSubstr("\n")));
}

const Chat kHello = {{"user", "Hello"}};
const Chat kTwoTurns = {{"system", "Be brief."}, {"user", "Hi"}, {"assistant", "Yo"}, {"user", "1\n2"}};

TEST(ChatTemplate, ChatMl) {
  expect_text(render(kChatMl, kTwoTurns),
              "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"
              "<|im_start|>assistant\nYo<|im_end|>\n<|im_start|>user\n1\n2<|im_end|>\n<|im_start|>assistant\n");
  expect_text(render(kChatMl, kHello, false), "<|im_start|>user\nHello<|im_end|>\n");
}

TEST(ChatTemplate, Llama3Style) {
  const auto source = template_file("llama3");
  expect_text(render(source, kTwoTurns),
              "<s><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>"
              "<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>"
              "<|start_header_id|>assistant<|end_header_id|>\n\nYo<|eot_id|>"
              "<|start_header_id|>user<|end_header_id|>\n\n1\n2<|eot_id|>"
              "<|start_header_id|>assistant<|end_header_id|>\n\n");
  expect_text(render(source, {{"user", "  Hello \n"}}, false),
              "<s><|start_header_id|>user<|end_header_id|>\n\nHello<|eot_id|>");
  expect_failure(render(source, {{"critic", "bad"}}), ErrorCode::kInvalidArgument, "Unknown role critic");
}

TEST(ChatTemplate, MistralStyle) {
  const auto source = template_file("mistral");
  expect_text(render(source, kTwoTurns), "<s> [INST] Be brief.\n\nHi [/INST] Yo</s> [INST] 1\n2 [/INST]");
  expect_text(render(source, kHello), "<s> [INST] Hello [/INST]");
  expect_failure(render(source, {{"user", "a"}, {"user", "b"}}), ErrorCode::kInvalidArgument,
                 "refuses these messages: After the optional system message, conversation roles must alternate");
}

TEST(ChatTemplate, GemmaStyle) {
  const auto source = template_file("gemma");
  expect_text(render(source, {{"user", " Hi "}, {"assistant", "Yo"}, {"user", "So"}}),
              "<s><start_of_turn>user\nHi<end_of_turn>\n<start_of_turn>model\nYo<end_of_turn>\n"
              "<start_of_turn>user\nSo<end_of_turn>\n<start_of_turn>model\n");
  expect_failure(render(source, kTwoTurns), ErrorCode::kInvalidArgument, "System role not supported");
}

// Qwen3's kind: past reasoning is dropped, that since the last question stays.
TEST(ChatTemplate, ReasoningStyle) {
  const auto source = template_file("reasoning");
  expect_text(render(source,
                     {{"system", "Sys"},
                      {"user", "a"},
                      {"assistant", "<think>\nhm\n</think>\n\nb"},
                      {"user", "c"},
                      {"assistant", "<think>deep</think>d"}},
                     false),
              "<|im_start|>system\nSys<|im_end|>\n<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\nb<|im_end|>\n"
              "<|im_start|>user\nc<|im_end|>\n<|im_start|>assistant\n<think>\ndeep\n</think>\n\nd<|im_end|>\n");
  expect_text(render(source, kHello), "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n");
}

// Agreed with Jinja 3.1 itself when it was written down.
TEST(ChatTemplate, WhiteSpaceMacrosFiltersAndLoops) {
  expect_text(render(template_file("whitespace"), {{"user", "good"}, {"assistant", "food"}}),
              "Turns:\n"
              "    Q: good\n | 1\n---\n"
              "\tf00d\n | 2  [Your Turn?][Really!]\n"
              "user, assistant { not a tag }\n"
              "USER 2 x\n"
              "13\n"
              "{\"a\": [1, true, null, \"é\\\"\"]}\n");
}

TEST(ChatTemplate, OneNewlineAtTheEndIsDropped) {
  expect_text(render("a\n", kHello), "a");
  expect_text(render("a\n\n", kHello), "a\n");
  expect_text(render("", kHello), "");
}

TEST(ChatTemplate, IndentBeforeAnExpressionIsKept) {
  EXPECT_EQ(keep_expression_indent("  {{ x }}"), "{{ '  ' }}{{ x }}");
  EXPECT_EQ(keep_expression_indent("{% if x %}\n\t{{ x }}"), "{% if x %}\n{{ '\t' }}{{ x }}");
  // Nothing to keep, or not minja's to take: the dash, the middle of a line, another tag.
  for (const char* same : {"  {{- x }}", "{% if x -%}\n  {{ x }}", "a  {{ x }}", "{{ y }}  {{ x }}", "  {% if x %}",
                           "{# \n  {{ x }} #}", "{{ '\\'}}\n  {{ x' }}", "{ \n{", "{{", "{", "  {{- x", "{%-%}", ""})
    EXPECT_EQ(keep_expression_indent(same), same);
  EXPECT_EQ(keep_expression_indent("{ -\n  {{ x }}"), "{ -\n{{ '  ' }}{{ x }}");
}

// What they must not change is tested by all other templates here.
TEST(ChatTemplate, LandmarksTakeTheTagsDash) {
  const auto landmarks = add_landmarks("a {%- if x %} b {{ x }}{# c #}");
  EXPECT_THAT(landmarks, testing::StartsWith("a {#- "));
  EXPECT_THAT(landmarks, HasSubstr(" #}{%- if x %} b {# "));
  EXPECT_THAT(landmarks, HasSubstr(" #}{{ x }}{# "));
  EXPECT_THAT(landmarks, testing::EndsWith(" #}{# c #}"));
  EXPECT_EQ(add_landmarks("no tag { %"), "no tag { %");
  EXPECT_THAT(add_landmarks("{% if x -%} \n {% if y %}\n{%- if z %} {{ x }}"),
              testing::AllOf(HasSubstr("-%}{#\n "), HasSubstr("y %}{#-\n "), HasSubstr("z %} {# ")));
}

// As long as the longest in use.
TEST(ChatTemplate, ALongTemplate) {
  std::string source;
  std::string expected;
  for (int i = 2; i < 120; ++i) {
    const auto name = std::to_string(i);
    source +=
        "{%- if messages | length == " + name + " or messages[0].role is none %}\n    {{- 'no' }}\n{%- endif %}\n";
    source += "part " + name + " {{ messages[0].content if not false else '' }}\n";
    expected += "part " + name + " Hello";  // the next tag's dash takes the newline
  }
  ASSERT_GT(source.size(), 16'000U);
  expect_text(render(source, kHello), expected);
}

TEST(ChatTemplate, TimeIsLocal) {
  const auto before = std::time(nullptr);
  const auto result = render("{{ strftime_now('%d %b %Y|%%|%H') }}", kHello);
  const auto after = std::time(nullptr);
  ASSERT_TRUE(result.has_value()) << result.error().message;
  const auto text = [](std::time_t time) {
    std::tm local{};
    ::localtime_r(&time, &local);
    char buffer[64];
    return std::string(buffer, std::strftime(buffer, sizeof buffer, "%d %b %Y|%%|%H", &local));
  };
  EXPECT_TRUE(*result == text(before) || *result == text(after)) << *result;
}

TEST(ChatTemplate, MessagesAreData) {
  const std::string tricky = "{{ 1 }} {% raw %} '\"\\ \x01 <|im_end|> größer 🚀";
  expect_text(render("{{ messages[0].content }}", {{"user", tricky}}), tricky);
  const std::string nul("a\0b", 3);
  expect_text(render("{{ messages[0].content }}", {{"user", nul}}), nul);
}

TEST(ChatTemplate, BadMessagesAreNamed) {
  const auto chat_template = ChatTemplate::create(kChatMl, "", "");
  ASSERT_TRUE(chat_template.has_value());
  expect_failure(chat_template->render({}, {}), ErrorCode::kInvalidArgument, "at least one message");
  const Chat chat = {{"user", "fine"}, {"user", "ab\xFF"}};
  expect_failure(chat_template->render(chat, {}), ErrorCode::kInvalidArgument,
                 "message 2 is not valid UTF-8: invalid byte at offset 2");
}

TEST(ChatTemplate, ACutCharacterIsReplaced) {
  expect_text(render("{{ messages[0].content[:2] }}", {{"user", "aé"}}), "a\uFFFD");
}

TEST(ChatTemplate, ALongChat) {
  Chat chat;
  std::string expected;
  for (int i = 0; i < 500; ++i) {
    chat.push_back({i % 2 == 0 ? "user" : "assistant", std::string(4000, static_cast<char>('a' + i % 26))});
    expected += "<|im_start|>" + chat.back().role + "\n" + chat.back().content + "<|im_end|>\n";
  }
  const SandboxLimits patient{.timeout = std::chrono::seconds(20)};
  expect_text(render(kChatMl, chat, false, patient), expected);
}

TEST(ChatTemplate, ATemplateThatDoesNotParse) {
  for (const char* source : {"{% if %}", "{{ x", "{% for m in messages %}", "{% endif %}", "{{ 'a }}",
                             "{% frobnicate %}", "{# no end", "{{ 1 + }}", "{{ [1, }}", "{% macro x %}"}) {
    const auto result = ChatTemplate::create(source, "", "");
    ASSERT_FALSE(result.has_value()) << source;
    EXPECT_EQ(result.error().code, ErrorCode::kCorrupt) << source;
    EXPECT_THAT(result.error().message, HasSubstr("the model's chat template cannot be used: ")) << source;
    EXPECT_THAT(result.error().message, Not(HasSubstr("\n"))) << source;
  }
  expect_failure(render("\n  {{ x + }}", kHello), ErrorCode::kCorrupt, "at row 2");
}

TEST(ChatTemplate, ATemplateThatFails) {
  expect_failure(render("{{ nothing.at.all }}", kHello), ErrorCode::kCorrupt, "cannot be used: ");
  expect_failure(render("{{ messages | no_such_filter }}", kHello), ErrorCode::kCorrupt, "cannot be used: ");
  expect_failure(render("{{ raise_exception('a\nb') }}", kHello).transform_error([](Error error) {
    EXPECT_THAT(error.message, HasSubstr("refuses these messages: a\nb"));
    error.message = error.message.substr(0, error.message.find('\n'));
    return error;
  }),
                 ErrorCode::kInvalidArgument, "refuses these messages: a");
}

TEST(ChatTemplate, StartDoesNotWaitForTheParser) {
  auto bad = ChatTemplate::start("{% if %}", "", "");
  ASSERT_TRUE(bad.has_value());
  EXPECT_EQ(bad->check().error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(bad->render(kHello, {}).error().code, ErrorCode::kCorrupt);
  auto good = ChatTemplate::start(kChatMl, "", "");
  ASSERT_TRUE(good.has_value());
  EXPECT_EQ(good->render(kHello, {.add_generation_prompt = false}), "<|im_start|>user\nHello<|im_end|>\n");
}

TEST(ChatTemplate, ManyThreadsAtOnce) {
  const auto chat_template = ChatTemplate::create(kChatMl, "", "");
  ASSERT_TRUE(chat_template.has_value());
  std::atomic<int> right{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&, t] {
        for (int i = 0; i < 25; ++i) {
          const auto text = std::to_string(t) + ":" + std::to_string(i);
          const Chat chat = {{"user", text}};
          const auto result = chat_template->render(chat, {.add_generation_prompt = false});
          right += result == "<|im_start|>user\n" + text + "<|im_end|>\n" ? 1 : 0;
        }
      });
  }
  EXPECT_EQ(right, 100);
}

// The process that keeps the parsed template may fall to the system's want of memory.
TEST(ChatTemplate, RendersAllTheSameWhenItsProcessIsKilled) {
  const auto chat_template = ChatTemplate::create(kChatMl, "", "");
  ASSERT_TRUE(chat_template.has_value());
  std::ifstream children("/proc/self/task/" + std::to_string(::getpid()) + "/children");
  pid_t server = 0;
  if (!(children >> server)) GTEST_SKIP() << "this kernel does not list children";
  ASSERT_EQ(::kill(server, SIGKILL), 0);
  for (int i = 0; i < 2; ++i)
    expect_text(chat_template->render(kHello, {.add_generation_prompt = false}), "<|im_start|>user\nHello<|im_end|>\n");
}

// ---- Hostile templates ----

std::string repeated(std::string_view text, int count) {
  std::string result;
  for (int i = 0; i < count; ++i) result += text;
  return result;
}

// Each must come to an end, with an error or with some text, and do no harm. Those that could
// only end well by chance must fail.
struct Hostile {
  std::string source;
  bool must_fail = true;
};

std::vector<Hostile> hostile_templates() {
  const auto doubling = [](const char* step, int count) {
    return "{% set x = 'aaaaaaaaaaaaaaaa' %}{% for i in range(" + std::to_string(count) + ") %}{% endfor %}" +
           repeated(step, count) + "{{ x }}";
  };
  const auto nested = [](const char* open, const char* middle, const char* close, int depth) {
    return repeated(open, depth) + middle + repeated(close, depth);
  };
  return {
      // Recursion.
      {"{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}"},
      {"{% macro f(x) %}{{ g(x) }}{% endmacro %}{% macro g(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}"},
      {"{% macro f() %}{{ caller() }}{% endmacro %}{% call f() %}{{ caller() }}{% endcall %}"},
      {"{% for x in [[1]] recursive %}{{ loop(x) }}{{ loop([x]) }}{% endfor %}"},
      {"{% macro f(x=f()) %}{% endmacro %}{{ f() }}"},
      {"{% set ns = namespace() %}{% set ns.me = ns %}{{ ns }}"},
      {"{% set ns = namespace() %}{% set ns.me = ns %}{{ ns | tojson }}"},
      {"{% set ns = namespace() %}{% set ns.me = ns %}{{ ns == ns }}", false},
      {"{% set a = [] %}{{ a.append(a) }}{{ a }}"},
      {"{% set a = [] %}{{ a.append(a) }}{{ a | string }}"},
      // Nesting.
      {"{{ " + nested("(", "1", ")", 20'000) + " }}"},
      {"{{ " + nested("[", "1", "]", 20'000) + " }}"},
      {"{{ " + nested("{'a':", "1", "}", 20'000) + " }}"},
      {"{{ " + repeated("(", 100'000)},
      {"{{ " + repeated("[", 100'000)},
      {"{{ " + repeated("not ", 20'000) + "1 }}", false},
      {"{{ 1" + repeated(" if 1 else 1", 5'000) + " }}", false},
      {"{{ 1" + repeated("+1", 20'000) + " }}", false},
      {"{{ x" + repeated(".y", 20'000) + " }}"},
      {"{{ x" + repeated("[0]", 20'000) + " }}"},
      {"{{ 'x'" + repeated("|trim", 5'000) + " }}", false},
      {nested("{% if 1 %}", "x", "{% endif %}", 2'000), false},
      {nested("{% for i in [1] %}", "x", "{% endfor %}", 2'000), false},
      {nested("{% if 1 %}", "x", "{% endif %}", 30'000)},
      {repeated("{% for i in range(10) %}", 12) + "x" + repeated("{% endfor %}", 12)},
      // Time.
      {"{% for i in range(100000000) %}{% endfor %}"},
      {"{% for i in range(10000) %}{% for j in range(10000) %}{% endfor %}{% endfor %}"},
      {"{% for i in range(1, 0, 0) %}{% endfor %}"},
      {"{{ range(9223372036854775807) }}"},
      {"{{ range(0, 10, 0) }}", false},
      {"{{ 'a'.replace('', 'aa') }}", false},
      {"{% for i in range(1000000) %}{% set x = messages %}{% endfor %}{% for i in range(1000000000) %}{% endfor %}"},
      {"{{ " + repeated("'" + std::string(100, 'x') + "' ~ ", 3'000) + "1 }}", false},
      {"{# " + std::string(200'000, 'x') + " #}", false},
      {"{# " + std::string(200'000, 'x')},
      {std::string(200'000, ' ') + "{%- if 1 %}{% endif %}", false},
      {std::string(300'000, '{'), false},
      {repeated("{{", 50'000)},
      // Memory and output.
      {"{{ 'a' * 1000000000 }}"},
      {"{{ ('a' * 1000000) * 1000000 }}"},
      {"{{ 'a' * 9223372036854775807 }}"},
      {"{{ messages[0].content | indent(9223372036854775807, true) }}"},
      {"{{ messages[0].content | indent(-1, true) }}", false},
      {"{{ [1] | tojson(indent=2000000000) }}"},
      {doubling("{% set x = x ~ x %}", 40)},
      {doubling("{% set x = [x, x] %}", 40)},
      {doubling("{% set x = x + x %}", 40)},
      {doubling("{% set x = x.replace('a', x) %}", 10)},
      {doubling("{% set x = x | replace('a', x) %}", 10)},
      {"{% for i in range(3000000) %}xx{% endfor %}"},
      {"{% set a = [1] %}{% for i in a %}{{ a.append(i) }}{% endfor %}", false},
      // Arithmetic and indices that the processor or a container objects to.
      {"{{ 1 // 0 }}"},
      {"{{ 1 % 0 }}"},
      {"{{ (0 - 9223372036854775807 - 1) // -1 }}", false},
      {"{{ messages[9223372036854775807] }}", false},
      {"{{ messages[-5] }}"},
      {"{{ [].pop() }}"},
      {"{{ messages.pop(-1) }}"},
      {"{{ 'abc'[5:1:-1] }}", false},
      {"{{ 'abc'[-9:9] }}"},
      {"{{ 'abc'[::9223372036854775807] }}", false},
      {"{{ messages[:9223372036854775807] }}"},
      {"{{ strftime_now('" + repeated("%c", 100'000) + "') }}", false},
      {"{{ raise_exception() }}"},
      {"{{ raise_exception('" + std::string(100'000, 'x') + "') }}"},
      {"{{ '\xFF\xFE' }}", false},
      {"{{ '\xFF\xFE' | tojson }}"},
      {"{% break %}"},
      {"{{ range }}", false},
      {"{{ messages[0].content(1) }}"},
  };
}

// One test a template would cost more than they do.
TEST(ChatTemplate, HostileTemplatesComeToAnEnd) {
  const SandboxLimits limits{
      .timeout = std::chrono::milliseconds(150), .memory_bytes = 64U << 20U, .output_bytes = 1U << 20U};
  const auto templates = hostile_templates();
  EXPECT_GE(templates.size(), 50U);
  for (const auto& hostile : templates) {
    const auto name = hostile.source.substr(0, 80);
    const auto start = std::chrono::steady_clock::now();
    const auto result = render(hostile.source, kHello, true, limits);
    // 0.75 s for the parser and 0.15 for the render; the rest is for a busy machine.
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(6)) << name;
    if (result) {
      EXPECT_FALSE(hostile.must_fail) << name << " gave " << result->substr(0, 80);
      EXPECT_LE(result->size(), std::size_t{1} << 20) << name;
      continue;
    }
    EXPECT_TRUE(result.error().code == ErrorCode::kCorrupt || result.error().code == ErrorCode::kInvalidArgument)
        << name << ": " << result.error().message;
    EXPECT_LE(result.error().message.size(), 4096U) << name;
  }
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

// ---- llama.cpp's own templates: an oracle, and the fall-back ----

TEST(BuiltinChatTemplate, AgreesWithTheTemplatesOfThatName) {
  const Chat chats[] = {
      kHello, {{"user", "a"}, {"assistant", "b"}, {"user", "c"}}, {{"user", "größer 🚀\n\nx"}, {"assistant", "y"}}};
  const Chat with_system[] = {kTwoTurns, {{"system", "s"}, {"user", "a"}, {"assistant", "b"}, {"user", "c"}}};
  const auto compare = [](const char* name, const std::string& source, const Chat& chat, bool prompt) {
    const auto builtin = apply_builtin_chat_template(name, chat, {.add_generation_prompt = prompt});
    ASSERT_TRUE(builtin.has_value()) << name << ": " << builtin.error().message;
    EXPECT_EQ(render(source, chat, prompt, {}, ""), *builtin) << name;  // llama.cpp leaves BOS to the tokenizer
  };
  for (const bool prompt : {false, true}) {
    for (const auto& chat : chats) {
      compare("chatml", kChatMl, chat, prompt);
      compare("llama3", template_file("llama3"), chat, prompt);
      compare("gemma", template_file("gemma"), chat, prompt);
      compare("mistral-v1", template_file("mistral"), chat, prompt);
    }
    for (const auto& chat : with_system) {
      compare("chatml", kChatMl, chat, prompt);
      compare("llama3", template_file("llama3"), chat, prompt);
      compare("mistral-v1", template_file("mistral"), chat, prompt);
    }
  }
}

TEST(BuiltinChatTemplate, RecognisesASource) {
  for (const char* name : {"llama3", "gemma", "reasoning"}) {
    const auto result = apply_builtin_chat_template(template_file(name), kHello, {});
    ASSERT_TRUE(result.has_value()) << name;
    EXPECT_EQ(*result, render(template_file(name), kHello, true, {}, "")) << name;
  }
}

TEST(BuiltinChatTemplate, LongMessages) {
  const std::string text(3'000'000, 'x');
  const Chat chat(3, ChatMessage{"user", text});
  const auto result = apply_builtin_chat_template("chatml", chat, {.add_generation_prompt = false});
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->size(), 3 * (text.size() + std::string("<|im_start|>user\n<|im_end|>\n").size()));
}

TEST(BuiltinChatTemplate, RefusesWhatItCannotDo) {
  expect_failure(apply_builtin_chat_template("{{ messages }}", kHello, {}), ErrorCode::kUnsupported, "resembles none");
  expect_failure(apply_builtin_chat_template("chatml", {}, {}), ErrorCode::kInvalidArgument, "at least one message");
  const Chat chat = {{"user", "fine"}, {"user", std::string("a\0b", 3)}};
  expect_failure(apply_builtin_chat_template("chatml", chat, {}), ErrorCode::kInvalidArgument,
                 "message 2 contains a NUL");
}

}  // namespace
}  // namespace hyprstream
