#include "serving/generation_stream.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "serving/stream_state.hpp"

namespace hyprstream {
namespace {

using namespace std::chrono_literals;

TEST(GenerationStream, JoinsWhatNobodyHasRead) {
  auto state = std::make_shared<StreamState>(2);
  GenerationStream stream(state);
  for (int i = 0; i < 1000; ++i) {
    state->push({.choice = 0, .text = "a", .tokens = {i}, .scores = {}});
    state->push({.choice = 1, .text = "b", .tokens = {i}, .scores = {}});
  }
  state->end_choice({.choice = 0, .reason = FinishReason::kMaxTokens, .seed = 7});
  state->finish(GenerationEnd{});
  const auto first = std::get<GenerationDelta>(stream.next());
  EXPECT_EQ(first.choice, 0);
  EXPECT_EQ(first.text, std::string(1000, 'a'));
  EXPECT_EQ(first.tokens.size(), 1000U);
  EXPECT_EQ(std::get<ChoiceEnd>(stream.next()).seed, 7U);
  EXPECT_EQ(std::get<GenerationDelta>(stream.next()).text, std::string(1000, 'b'));
  EXPECT_TRUE(std::holds_alternative<GenerationEnd>(stream.next()));
  EXPECT_TRUE(std::holds_alternative<GenerationEnd>(stream.next()));
}

TEST(GenerationStream, GivesUpWaitingInTime) {
  GenerationStream stream(std::make_shared<StreamState>(1));
  EXPECT_FALSE(stream.next(1ms));
}

TEST(GenerationStream, NothingFollowsTheEnd) {
  auto state = std::make_shared<StreamState>(1);
  GenerationStream stream(state);
  state->finish(GenerationFailure{{ErrorCode::kInternal, "first"}});
  state->finish(GenerationFailure{{ErrorCode::kInternal, "second"}});
  state->push({.choice = 0, .text = "late", .tokens = {}, .scores = {}});
  EXPECT_EQ(std::get<GenerationFailure>(stream.next()).error.message, "first");
  EXPECT_EQ(std::get<GenerationFailure>(stream.next()).error.message, "first");
}

TEST(GenerationStream, DestructionAndOthersCancel) {
  auto state = std::make_shared<StreamState>(1);
  {
    const GenerationStream stream(state);
  }
  EXPECT_TRUE(state->cancelled());
  auto other = std::make_shared<StreamState>(1);
  const GenerationStream stream(other);
  cancel_stream(stream.state());
  EXPECT_TRUE(other->cancelled());
  other.reset();
  cancel_stream(std::weak_ptr<StreamState>());
}

TEST(GenerationStream, LosesNothingBetweenTwoThreads) {
  auto state = std::make_shared<StreamState>(3);
  GenerationStream stream(state);
  std::thread writer([&] {
    for (int i = 0; i < 3000; ++i) state->push({.choice = i % 3, .text = "x", .tokens = {i}, .scores = {}});
    for (int i = 0; i < 3; ++i) state->end_choice({.choice = i, .reason = FinishReason::kMaxTokens, .seed = 0});
    state->finish(GenerationEnd{});
  });
  std::vector<std::vector<Token>> seen(3);
  int ended = 0;
  for (;;) {
    const auto event = stream.next();
    if (std::holds_alternative<GenerationEnd>(event)) break;
    if (const auto* delta = std::get_if<GenerationDelta>(&event)) {
      auto& tokens = seen[static_cast<std::size_t>(delta->choice)];
      tokens.insert(tokens.end(), delta->tokens.begin(), delta->tokens.end());
    } else {
      ++ended;
    }
  }
  writer.join();
  EXPECT_EQ(ended, 3);
  for (int choice = 0; choice < 3; ++choice) {
    const auto& tokens = seen[static_cast<std::size_t>(choice)];
    ASSERT_EQ(tokens.size(), 1000U);
    for (std::size_t i = 0; i < tokens.size(); ++i) EXPECT_EQ(tokens[i], choice + 3 * static_cast<int>(i));
  }
}

}  // namespace
}  // namespace hyprstream
