// Cached prefixes: what is reused, what must not be, and what is said of it.
#include <gtest/gtest.h>

#include "random_adapter.hpp"
#include "service_fixture.hpp"
#include "test_engine.hpp"

namespace hyprstream {
namespace {

using namespace testing_support;

class PrefixReuse : public ServiceTest {
 protected:
  ReadAnswer ask(const std::vector<Token>& prompt, std::vector<RequestAdapter> adapters = {}, std::string salt = "") {
    ServingRequest one;
    one.prompt = prompt;
    one.max_tokens = 8;
    one.sampling.temperature = 0;
    one.adapters = std::move(adapters);
    one.cache_salt = std::move(salt);
    const auto expected = alone(one);
    auto read = answer(std::move(one));
    EXPECT_EQ(read.choices[0].tokens, expected);
    return read;
  }
};

TEST_P(PrefixReuse, AConversationIsNotComputedAgain) {
  start({.parallel = 2});
  auto prompt = tokens_of(service_->engine(), prompts()[0]);
  auto read = ask(prompt);
  EXPECT_EQ(read.usage->cached_tokens, 0);
  const auto held = prompt.size() + read.choices[0].tokens.size() - 1;  // the last token was never evaluated
  prompt.insert(prompt.end(), read.choices[0].tokens.begin(), read.choices[0].tokens.end());
  for (const Token token : tokens_of(service_->engine(), prompts()[1])) prompt.push_back(token);
  read = ask(prompt);
  EXPECT_EQ(read.usage->cached_tokens, static_cast<int>(held));
  // The very same once more: all but the last token.
  EXPECT_EQ(ask(prompt).usage->cached_tokens, static_cast<int>(prompt.size()) - 1);
}

TEST_P(PrefixReuse, NeverCrossesAdaptersVersionsScalesOrSalts) {
  start({.parallel = 2});
  const auto prompt = tokens_of(service_->engine(), prompts()[2]);
  const int all = static_cast<int>(prompt.size()) - 1;
  const auto newer = random_adapter(service_->engine().base_model(), 8, 0.05, 99, 0.3F);
  EXPECT_EQ(ask(prompt, {use(adapters_[0])}, "a").usage->cached_tokens, 0);
  EXPECT_EQ(ask(prompt, {use(adapters_[0])}, "a").usage->cached_tokens, all);
  EXPECT_EQ(ask(prompt, {}, "a").usage->cached_tokens, 0);
  EXPECT_EQ(ask(prompt, {use(newer)}, "a").usage->cached_tokens, 0);
  EXPECT_EQ(ask(prompt, {use(adapters_[0], 0.5F)}, "a").usage->cached_tokens, 0);
  EXPECT_EQ(ask(prompt, {use(adapters_[0]), use(adapters_[1])}, "a").usage->cached_tokens, 0);
  EXPECT_EQ(ask(prompt, {use(adapters_[0])}, "b").usage->cached_tokens, 0);
  EXPECT_EQ(ask(prompt, {use(adapters_[0])}).usage->cached_tokens, 0);
}

// Neither what was kept nor what runs still holds an adapter that has been dropped from memory.
TEST_P(PrefixReuse, HoldsNoAdapterThatWasDropped) {
  start({.parallel = 2});
  auto adapter = std::make_shared<const LoraAdapter>(*adapters_[0]);
  const std::weak_ptr<const LoraAdapter> alive = adapter;
  auto one = request(prompts()[0], 4);
  one.adapters = {use(adapter)};
  answer(one);
  auto running = [&] {
    auto longer = one;
    longer.max_tokens = 200;
    longer.ignore_end_of_generation = true;
    return submit(std::move(longer));
  }();
  ASSERT_TRUE(running.next(std::chrono::seconds(60)));
  one = {};
  service_->forget_adapter(std::move(adapter));
  read_all(running);
  wait_until_idle();
  observer_.ended.clear();
  EXPECT_TRUE(alive.expired());
  EXPECT_EQ(service_->state().kv_tokens, 0);
}

TEST_P(PrefixReuse, CanBeDeclined) {
  start({.parallel = 2});
  auto one = request(prompts()[0], 4);
  one.reuse_prefix = false;
  EXPECT_EQ(answer(one).usage->cached_tokens, 0);
  EXPECT_EQ(answer(one).usage->cached_tokens, 0);
  wait_until_idle();
  EXPECT_EQ(service_->state().kv_tokens, 0);
}

TEST_P(PrefixReuse, MakesRoomWhenTheCacheIsFull) {
  start({.parallel = 2, .cached_sequences = 8}, 256);
  std::vector<int> lengths;
  for (std::size_t i = 0; i < prompts().size() * 3; ++i) {
    auto one = request(prompts()[i % prompts().size()], 40);
    one.ignore_end_of_generation = true;
    one.cache_salt = std::to_string(i);
    EXPECT_EQ(answer(one).choices[0].tokens, alone(one)) << i;
  }
  wait_until_idle();
  EXPECT_LE(service_->state().kv_tokens, 256);
}

HYPRSTREAM_BOTH_LAYOUTS(PrefixReuse);

}  // namespace
}  // namespace hyprstream
