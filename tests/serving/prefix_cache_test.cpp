#include "serving/prefix_cache.hpp"

#include <gtest/gtest.h>

#include <numeric>

namespace hyprstream {
namespace {

std::vector<Token> counting(Token first, int count) {
  std::vector<Token> tokens(static_cast<std::size_t>(count));
  std::iota(tokens.begin(), tokens.end(), first);
  return tokens;
}

const PrefixScope kBase;

TEST(PrefixCache, FindsTheLongestBeginning) {
  PrefixCache cache(4);
  EXPECT_TRUE(cache.insert(SequenceId{1}, {1, 2, 3, 9}, kBase).empty());
  EXPECT_TRUE(cache.insert(SequenceId{2}, {1, 2, 3, 4, 5, 9}, kBase).empty());
  const auto match = cache.find(counting(1, 8), kBase);
  ASSERT_TRUE(match);
  EXPECT_EQ(match->sequence, SequenceId{2});
  EXPECT_EQ(match->length, 5);
  EXPECT_FALSE(cache.find(counting(2, 8), kBase));
}

TEST(PrefixCache, KeepsScopesApart) {
  PrefixCache cache(4);
  const auto adapter = std::shared_ptr<const LoraAdapter>(reinterpret_cast<const LoraAdapter*>(0x10), [](auto*) {});
  const auto newer = std::shared_ptr<const LoraAdapter>(reinterpret_cast<const LoraAdapter*>(0x20), [](auto*) {});
  cache.insert(SequenceId{1}, counting(1, 5), {{{adapter, 1}}, "tenant"});
  EXPECT_TRUE(cache.find(counting(1, 5), {{{adapter, 1}}, "tenant"}));
  EXPECT_FALSE(cache.find(counting(1, 5), {{{newer, 1}}, "tenant"}));
  EXPECT_FALSE(cache.find(counting(1, 5), {{{adapter, 0.5F}}, "tenant"}));
  EXPECT_FALSE(cache.find(counting(1, 5), {{{adapter, 1}}, "other"}));
  EXPECT_FALSE(cache.find(counting(1, 5), {{{adapter, 1}}, ""}));
  EXPECT_FALSE(cache.find(counting(1, 5), kBase));
}

TEST(PrefixCache, EvictsWhatWasUsedLongestAgo) {
  PrefixCache cache(2);
  cache.insert(SequenceId{1}, counting(100, 5), kBase);
  cache.insert(SequenceId{2}, counting(200, 5), kBase);
  EXPECT_TRUE(cache.find(counting(100, 5), kBase));
  EXPECT_EQ(cache.insert(SequenceId{3}, counting(300, 5), kBase), std::vector{SequenceId{2}});
  EXPECT_EQ(cache.evict(), SequenceId{1});
  EXPECT_EQ(cache.evict(), SequenceId{3});
  EXPECT_FALSE(cache.evict());
}

TEST(PrefixCache, KeepsNothingThatAnotherCovers) {
  PrefixCache cache(4);
  cache.insert(SequenceId{1}, counting(1, 5), kBase);
  // A conversation goes on: the old turn is the beginning of the new one.
  EXPECT_EQ(cache.insert(SequenceId{2}, counting(1, 9), kBase), std::vector{SequenceId{1}});
  EXPECT_EQ(cache.insert(SequenceId{3}, counting(1, 7), kBase), std::vector{SequenceId{3}});
  EXPECT_EQ(cache.size(), 1U);
}

TEST(PrefixCache, OfNoCapacityKeepsNothing) {
  PrefixCache cache(0);
  EXPECT_EQ(cache.insert(SequenceId{1}, counting(1, 5), kBase), std::vector{SequenceId{1}});
  EXPECT_FALSE(cache.find(counting(1, 5), kBase));
}

}  // namespace
}  // namespace hyprstream
