// On the bundled model in float32, where a split prefill gives the same tokens as a whole one.
#include "cli/chat_session.hpp"

#include <gtest/gtest.h>

#include <utility>

#include "runtime/llama_cpp_engine.hpp"

namespace hyprstream {
namespace {

// Counts the tokens that go through the model.
class TokenCounter final : public LinearHook {
 public:
  bool wants(LinearId id) const noexcept override { return id == LinearId{0, LinearModule::kQ}; }
  void on_linear_output(const LinearOutput& linear) noexcept override {
    count_ += static_cast<int>(linear.columns.size());
  }
  int take() { return std::exchange(count_, 0); }

 private:
  int count_ = 0;
};

std::unique_ptr<RuntimeEngine> load(int context_length = 0) {
  EngineOptions options;
  options.model_path = HYPRSTREAM_F32_MODEL;
  options.kv_cache_type = KvCacheType::kF32;
  options.context_length = context_length;
  options.max_sequences = 2;
  options.threads = 1;  // enough here, and ThreadSanitizer does not see libgomp's barriers
  options.deterministic = true;
  auto engine = LlamaCppEngine::create(options);
  EXPECT_TRUE(engine) << engine.error().message;
  return std::move(*engine);
}

GenerationRequest greedy(int max_tokens) {
  GenerationRequest request;
  request.max_tokens = max_tokens;
  request.sampling.temperature = 0;
  return request;
}

TEST(ChatSession, ComputesOnlyWhatIsNew) {
  auto engine = load();
  TokenCounter counter;
  engine->set_linear_hook(&counter);
  auto session = ChatSession::create(*engine).value();
  const auto first = session.ask("Tell me a story about a fox.", greedy(60), {}).value();
  const int first_evaluated = counter.take();
  // The last token that was sampled is never evaluated; the one that ended the text is none of it.
  EXPECT_EQ(first_evaluated, first.timings.prompt_tokens + static_cast<int>(first.tokens.size()) -
                                 (first.finish_reason == FinishReason::kMaxTokens ? 1 : 0));
  const auto second = session.ask("And then?", greedy(5), {}).value();
  const int second_evaluated = counter.take();
  EXPECT_GT(second.timings.prompt_tokens, first.timings.prompt_tokens);
  // At most the end of the first turn, the question and the answer: not the first turn again.
  EXPECT_LT(second_evaluated, second.timings.prompt_tokens - first.timings.prompt_tokens / 2);
  EXPECT_LT(second_evaluated, 40);
  engine->set_linear_hook(nullptr);
}

// The answer to `messages` by a plain generation, which computes the whole prompt.
std::vector<Token> answer_from_scratch(RuntimeEngine& engine, const std::vector<ChatMessage>& messages,
                                       int max_tokens) {
  auto request = greedy(max_tokens);
  request.prompt = engine.apply_chat_template(messages, {}).value();
  return engine.generate(request, {}).value().tokens;
}

TEST(ChatSession, AnswersAsIfItHadComputedEverything) {
  auto engine = load();
  auto session = ChatSession::create(*engine).value();
  session.restart("You are a pirate.");
  const auto first = session.ask("Hello, who are you?", greedy(20), {}).value();
  const auto second = session.ask("Tell me a story.", greedy(40), {}).value();
  std::vector<ChatMessage> messages{{"system", "You are a pirate."}, {"user", "Hello, who are you?"}};
  EXPECT_EQ(first.tokens, answer_from_scratch(*engine, messages, 20));
  messages.push_back({"assistant", first.text});
  messages.push_back({"user", "Tell me a story."});
  EXPECT_EQ(second.tokens, answer_from_scratch(*engine, messages, 40));

  // After restart() the model must not know of what was said.
  session.restart("");
  EXPECT_EQ(session.ask("Tell me a story.", greedy(40), {}).value().tokens,
            answer_from_scratch(*engine, {{"user", "Tell me a story."}}, 40));
}

TEST(ChatSession, AFailedMessageChangesNothing) {
  auto engine = load(/*context_length=*/256);
  auto session = ChatSession::create(*engine).value();
  ASSERT_TRUE(session.ask("Hello.", greedy(5), {}));
  std::string long_message;
  for (int i = 0; i < 200; ++i) long_message += "llama ";
  const auto refused = session.ask(long_message, greedy(5), {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kResourceExhausted);
  EXPECT_NE(refused.error().message.find("the context holds 256"), std::string::npos) << refused.error().message;

  auto other = load(/*context_length=*/256);
  auto fresh = ChatSession::create(*other).value();
  ASSERT_TRUE(fresh.ask("Hello.", greedy(5), {}));
  EXPECT_EQ(session.ask("And you?", greedy(10), {}).value().tokens,
            fresh.ask("And you?", greedy(10), {}).value().tokens);
}

TEST(ChatSession, AStoppedAnswerStaysAsFarAsItCame) {
  auto engine = load();
  auto session = ChatSession::create(*engine).value();
  int seen = 0;
  const auto stopped = session.ask("Tell me a story about a fox.", greedy(60), [&](const GeneratedPiece&) {
    return ++seen == 4 ? StreamControl::kStop : StreamControl::kContinue;
  });
  ASSERT_TRUE(stopped) << stopped.error().message;
  EXPECT_EQ(stopped->finish_reason, FinishReason::kCancelled);
  EXPECT_EQ(stopped->tokens.size(), 4U);
  const int held = session.tokens_held();
  EXPECT_GE(held, stopped->timings.prompt_tokens);
  const auto next = session.ask("Go on.", greedy(5), {}).value();
  EXPECT_GT(next.timings.prompt_tokens, held);
}

}  // namespace
}  // namespace hyprstream
