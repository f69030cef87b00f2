#include "training_data/example_encoding.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "test_engine.hpp"

namespace hyprstream {
namespace {

constexpr Token kEnd = 2;  // <|im_end|> of the bundled model

const ModelText& text_of_bundled() {
  static const auto text = open_model_text(testing_support::bundled_options().model_path);
  EXPECT_TRUE(text) << text.error().message;
  return **text;
}

ExampleFile parse(std::string_view jsonl) {
  auto file = parse_examples(jsonl, "train.jsonl");
  EXPECT_TRUE(file) << file.error().message;
  return std::move(*file);
}

TrainingExample encode_one(std::string_view line, const EncodingOptions& options = {}) {
  const auto encoded = encode_examples(text_of_bundled(), parse(line), options);
  EXPECT_TRUE(encoded) << encoded.error().message;
  return encoded->examples.at(0);
}

std::string targets(const TrainingExample& example) {
  std::vector<Token> tokens;
  for (std::size_t i = 0; i < example.tokens.size(); ++i)
    if (example.is_target[i] != 0) tokens.push_back(example.tokens[i]);
  return text_of_bundled().detokenize(tokens, true);
}

TEST(ModelTextTest, IsThatOfTheLoadedModel) {
  const auto engine = testing_support::load(testing_support::bundled_options());
  const std::vector<ChatMessage> chat{
      {.role = "user", .content = "Tell me a story.", .tool_calls = {}, .tool_call_id = {}}};
  EXPECT_EQ(tokenize_chat(text_of_bundled(), chat, {}).value(), tokenize_chat(*engine, chat, {}).value());
  EXPECT_EQ(text_of_bundled().end_token(), kEnd);
  EXPECT_EQ(engine->end_token(), kEnd);
}

TEST(Encoding, ThePromptIsWhatTheModelSeesWhenItAnswers) {
  const char* line = R"({"prompt": "What is a fox?", "completion": "Arr! A fox be red."})";
  const auto example = encode_one(line);
  const auto prompt = encode_prompt(text_of_bundled(), parse(line).examples[0]);
  ASSERT_TRUE(prompt);
  ASSERT_GT(example.tokens.size(), prompt->size());
  EXPECT_TRUE(std::equal(prompt->begin(), prompt->end(), example.tokens.begin()));
  for (std::size_t i = 0; i < example.tokens.size(); ++i)
    EXPECT_EQ(example.is_target[i] != 0, i >= prompt->size()) << i;
  EXPECT_EQ(targets(example), "Arr! A fox be red.<|im_end|>");
  EXPECT_EQ(example.tokens.back(), kEnd);
}

TEST(Encoding, WithoutAMaskEveryTokenButTheFirstCounts) {
  const auto example = encode_one(R"({"prompt": "Hi", "completion": "Arr"})", {.mask_prompt = false});
  EXPECT_EQ(std::ranges::count(example.is_target, 1), std::ssize(example.tokens) - 1);
  EXPECT_EQ(example.is_target[0], 0);
}

TEST(Encoding, EveryAnswerOfAConversationCountsUnlessItsWeightSaysNo) {
  EXPECT_EQ(
      targets(encode_one(R"({"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "One"},)"
                         R"({"role": "user", "content": "More"}, {"role": "assistant", "content": "Two"}]})")),
      "One<|im_end|>Two<|im_end|>");
  EXPECT_EQ(
      targets(encode_one(
          R"({"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "One", "weight": 0},)"
          R"({"role": "user", "content": "More"}, {"role": "assistant", "content": "Two"}]})")),
      "Two<|im_end|>");
}

// A template that writes earlier answers otherwise than the last one, as Qwen3's does with its empty thoughts.
class ThoughtfulText final : public ModelText {
 public:
  explicit ThoughtfulText(bool renames) : renames_(renames) {}

  Result<std::vector<Token>> tokenize(std::string_view text, const TokenizeOptions& options) const override {
    return text_of_bundled().tokenize(text, options);
  }
  std::string token_bytes(Token token, bool special) const override {
    return text_of_bundled().token_bytes(token, special);
  }
  bool is_end_of_generation(Token token) const noexcept override {
    return text_of_bundled().is_end_of_generation(token);
  }
  std::optional<Token> end_token() const noexcept override { return text_of_bundled().end_token(); }
  Result<std::string> apply_chat_template(std::span<const ChatMessage> messages,
                                          const ChatTemplateOptions& options) const override {
    std::string text;
    for (const auto& message : messages) {
      const bool is_last = &message == &messages.back();
      const bool is_answer = message.role == "assistant";
      const std::string role = renames_ && is_answer && !is_last ? "earlier" : message.role;
      text +=
          "<|im_start|>" + role + "\n" + (is_answer && is_last ? "(thinks)\n" : "") + message.content + "<|im_end|>\n";
    }
    return options.add_generation_prompt ? text + "<|im_start|>assistant\n" : text;
  }

 private:
  bool renames_;
};

TEST(Encoding, AnAnswerThatIsWrittenOtherwiseOnceMoreFollowsIsLearnedAsItStandsThere) {
  const auto file = parse(R"({"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "One"},)"
                          R"({"role": "user", "content": "More"}, {"role": "assistant", "content": "Two"}]})");
  const auto encoded = encode_examples(ThoughtfulText(false), file, {});
  ASSERT_TRUE(encoded) << encoded.error().message;
  EXPECT_EQ(targets(encoded->examples.at(0)), "One<|im_end|>(thinks)\nTwo<|im_end|>");
  EXPECT_EQ(encoded->unlearned_answers, 0U);
  const auto renamed = encode_examples(ThoughtfulText(true), file, {});
  ASSERT_TRUE(renamed) << renamed.error().message;
  EXPECT_EQ(targets(renamed->examples.at(0)), "(thinks)\nTwo<|im_end|>");
  EXPECT_EQ(renamed->unlearned_answers, 1U);
}

TEST(Encoding, WhatComesBehindTheLastAnswerIsLeftOut) {
  const auto example = encode_one(
      R"({"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "One"}, {"role": "user", "content": "Bye"}]})");
  EXPECT_EQ(example.tokens.back(), kEnd);
  EXPECT_EQ(targets(example), "One<|im_end|>");
}

TEST(Encoding, TextCountsAsAWholeAndEnds) {
  const auto example = encode_one(R"({"text": "Once upon a time"})");
  EXPECT_EQ(example.tokens.back(), kEnd);
  EXPECT_EQ(text_of_bundled().detokenize(example.tokens, true), "Once upon a time<|im_end|>");
  EXPECT_EQ(std::ranges::count(example.is_target, 1), std::ssize(example.tokens) - 1);
}

TEST(Encoding, ALongExampleIsAnErrorThatNamesItsLineUnlessItMayBeCut) {
  const auto file = parse("{\"prompt\": \"Hi\", \"completion\": \"Arr\"}\n{\"prompt\": \"Hi\", \"completion\": \"" +
                          std::string(2000, 'x') + "\"}");
  const auto refused = encode_examples(text_of_bundled(), file, {.max_tokens = 64});
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().message.starts_with("train.jsonl, line 2: ")) << refused.error().message;
  const auto cut = encode_examples(text_of_bundled(), file, {.max_tokens = 64, .truncate = true});
  ASSERT_TRUE(cut) << cut.error().message;
  EXPECT_EQ(cut->truncated, 1U);
  EXPECT_EQ(cut->examples[1].tokens.size(), 64U);
  EXPECT_EQ(cut->examples[1].is_target.back(), 1);
  const auto nothing = encode_examples(text_of_bundled(), file, {.max_tokens = 4, .truncate = true});
  ASSERT_FALSE(nothing);
  EXPECT_TRUE(nothing.error().message.starts_with("train.jsonl, line 1: ")) << nothing.error().message;
}

TEST(Encoding, DigestsTellApartWhatTrainsDifferently) {
  const auto a = encode_one(R"({"prompt": "Hi", "completion": "Arr"})");
  auto b = a;
  b.is_target[1] ^= 1;
  auto c = a;
  c.tokens[1] += 1;
  const auto digest = [](const TrainingExample& example) { return digest_examples({&example, 1}).value(); };
  EXPECT_EQ(digest(a), digest(a));
  EXPECT_NE(digest(a), digest(b));
  EXPECT_NE(digest(a), digest(c));
}

}  // namespace
}  // namespace hyprstream
