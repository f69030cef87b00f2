#include "runtime/text_stream.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <string>
#include <vector>

#include "base/utf8.hpp"

namespace hyprstream {
namespace {

TextStream make(const std::vector<std::string>& stop = {}) {
  auto stream = TextStream::create(stop);
  EXPECT_TRUE(stream.has_value());
  return std::move(*stream);
}

struct Expected {
  std::string text;
  bool stopped = false;
};

// The definition, computed on the whole text the slow way.
Expected reference(std::string_view bytes, const std::vector<std::string>& stop) {
  for (std::size_t end = 1; end <= bytes.size(); ++end) {
    std::size_t longest = 0;
    for (const auto& s : stop)
      if (bytes.substr(0, end).ends_with(s)) longest = std::max(longest, s.size());
    if (longest > 0) return {replace_invalid_utf8(bytes.substr(0, end - longest)), true};
  }
  return {replace_invalid_utf8(bytes), false};
}

TEST(TextStream, WithoutStopStringsTextPassesAtOnce) {
  auto stream = make();
  EXPECT_EQ(stream.push("Hello"), "Hello");
  EXPECT_EQ(stream.push(""), "");
  EXPECT_EQ(stream.push(", I am"), ", I am");
  EXPECT_EQ(stream.finish(), "");
  EXPECT_FALSE(stream.stopped());
}

TEST(TextStream, HoldsACharacterUntilItIsWhole) {
  auto stream = make();
  EXPECT_EQ(stream.push("a\xF0"), "a");
  EXPECT_EQ(stream.push("\x9F"), "");
  EXPECT_EQ(stream.push("\x9A"), "");
  EXPECT_EQ(stream.push("\x80z"), "🚀z");
  EXPECT_EQ(stream.push("\xC3"), "");
  EXPECT_EQ(stream.finish(), "\uFFFD");
  EXPECT_EQ(stream.finish(), "");
}

TEST(TextStream, ReplacesWhatCannotBecomeACharacter) {
  auto stream = make();
  EXPECT_EQ(stream.push("\xFFok\x80"), "\uFFFDok\uFFFD");
  EXPECT_EQ(stream.push("\xE2\x82"), "");
  EXPECT_EQ(stream.push("x"), "\uFFFD\uFFFDx");
}

TEST(TextStream, StopsInsideAToken) {
  auto stream = make({"\n\n", "User:"});
  EXPECT_EQ(stream.push("one\ntwo"), "one\ntwo");
  EXPECT_EQ(stream.push(" three\n\nfour"), " three");
  EXPECT_EQ(stream.matched_stop(), 0U);
  EXPECT_EQ(stream.push("more"), "");
  EXPECT_EQ(stream.finish(), "");
}

TEST(TextStream, StopsAcrossTokens) {
  auto stream = make({"<|im_end|>"});
  EXPECT_EQ(stream.push("Bye <"), "Bye ");
  EXPECT_EQ(stream.push("|im"), "");
  EXPECT_EQ(stream.push("_end"), "");
  EXPECT_EQ(stream.push("|> x"), "");
  EXPECT_EQ(stream.matched_stop(), 0U);
}

TEST(TextStream, GivesBackWhatTurnsOutNotToStop) {
  auto stream = make({"<|im_end|>"});
  EXPECT_EQ(stream.push("a <|im"), "a ");
  EXPECT_EQ(stream.push("age"), "<|image");
  EXPECT_EQ(stream.push("<|im_en"), "");
  EXPECT_EQ(stream.finish(), "<|im_en");  // the end of the text: nothing more can come
  EXPECT_FALSE(stream.stopped());
}

TEST(TextStream, OverlappingPrefixes) {
  auto stream = make({"aab"});
  EXPECT_EQ(stream.push("a"), "");
  EXPECT_EQ(stream.push("a"), "");
  EXPECT_EQ(stream.push("a"), "a");  // "aa" may still begin it
  EXPECT_EQ(stream.push("b"), "");
  EXPECT_TRUE(stream.stopped());
}

TEST(TextStream, TheFirstToBeCompleteCountsThenTheLongest) {
  auto first = make({"abcd", "bc"});
  EXPECT_EQ(first.push("xabcd"), "xa");
  EXPECT_EQ(first.matched_stop(), 1U);
  auto longest = make({"c", "abc"});
  EXPECT_EQ(longest.push("xabc"), "x");
  EXPECT_EQ(longest.matched_stop(), 1U);
  auto twice = make({"q", "ab", "ab"});
  EXPECT_EQ(twice.push("ab"), "");
  EXPECT_EQ(twice.matched_stop(), 1U);
}

TEST(TextStream, AStopStringCutInsideACharacter) {
  auto stream = make({"é🚀"});
  EXPECT_EQ(stream.push("caf\xC3"), "caf");
  EXPECT_EQ(stream.push("\xA9\xF0\x9F"), "");
  EXPECT_EQ(stream.push("\x9A\x80 on"), "");
  EXPECT_TRUE(stream.stopped());

  auto other = make({"é🚀"});
  EXPECT_EQ(other.push("caf\xC3\xA9\xF0\x9F"), "caf");
  EXPECT_EQ(other.push("\x98\x80"), "é😀");
}

TEST(TextStream, AStopStringBehindAHalfCharacter) {
  auto stream = make({"END"});
  EXPECT_EQ(stream.push("a\xE2\x82"), "a");
  EXPECT_EQ(stream.push("END"), "\uFFFD\uFFFD");
  EXPECT_TRUE(stream.stopped());
}

TEST(TextStream, AStopStringLongerThanTheText) {
  const std::string long_stop(10'000, 'x');
  auto stream = make({long_stop});
  EXPECT_EQ(stream.push("xxx"), "");
  EXPECT_EQ(stream.finish(), "xxx");
}

TEST(TextStream, RefusesAnEmptyStopString) {
  const std::vector<std::string> stop = {"a", ""};
  const auto stream = TextStream::create(stop);
  ASSERT_FALSE(stream.has_value());
  EXPECT_EQ(stream.error().code, ErrorCode::kInvalidArgument);
}

// A stop string that the text keeps half matching must not make each byte cost more than the last.
TEST(TextStream, IsNotQuadraticInTheText) {
  auto stream = make({std::string(200, 'a') + "b", std::string(100, 'a') + "c"});
  const auto start = std::chrono::steady_clock::now();
  std::size_t shown = 0;
  for (int i = 0; i < 1'000'000; ++i) shown += stream.push("a").size();
  EXPECT_EQ(shown, 1'000'000U - 200U);
  EXPECT_EQ(stream.push("b"), "");
  EXPECT_TRUE(stream.stopped());
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

// Random texts over small alphabets, so that matches, near matches and broken characters are
// frequent, cut at random places.
TEST(TextStream, DoesNotDependOnTheCuts) {
  std::mt19937 random(20240607);
  const std::vector<std::string> alphabets = {"ab", "abc", std::string("a\xC3\xA9\xE2\x82\xAC"),
                                              std::string("\xF0\x9F\x9A\x80\xED\xA0\xC0\xFF\n"), ""};
  const auto below = [&](std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random); };
  std::size_t stops = 0;
  for (int round = 0; round < 20'000; ++round) {
    const auto& alphabet = alphabets[below(alphabets.size())];
    const auto text_of = [&](std::size_t length) {
      std::string text(length, '\0');
      for (auto& byte : text)
        byte = alphabet.empty() ? static_cast<char>(below(256)) : alphabet[below(alphabet.size())];
      return text;
    };
    const auto bytes = text_of(below(60));
    std::vector<std::string> stop(below(6));
    for (auto& s : stop) s = text_of(1 + below(below(4) == 0 ? 30 : 7));

    auto stream = make(stop);
    std::string shown;
    for (std::size_t at = 0; at < bytes.size();) {
      const auto length = std::min(bytes.size() - at, below(5));
      const auto piece = stream.push(std::string_view(bytes).substr(at, length));
      ASSERT_FALSE(find_invalid_utf8(piece)) << "round " << round;
      shown += piece;
      at += length;
    }
    shown += stream.finish();
    const auto expected = reference(bytes, stop);
    ASSERT_EQ(shown, expected.text) << "round " << round;
    ASSERT_EQ(stream.stopped(), expected.stopped) << "round " << round;
    stops += stream.stopped() ? 1 : 0;
  }
  EXPECT_GT(stops, 3'000U);  // both outcomes were tried
  EXPECT_LT(stops, 17'000U);
}

// Holding back too much would be as wrong as too little: what is held must be able to matter.
TEST(TextStream, HoldsBackNoMoreThanItMust) {
  std::mt19937 random(7);
  const auto below = [&](std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random); };
  for (int round = 0; round < 2'000; ++round) {
    std::vector<std::string> stop(1 + below(4));
    for (auto& s : stop)
      for (std::size_t i = 0, n = 2 + below(6); i < n; ++i) s += "ab"[below(2)];
    auto stream = make(stop);
    std::string seen;
    std::size_t shown = 0;
    for (int i = 0; i < 40; ++i) {
      seen += "ab"[below(2)];
      shown += stream.push(std::string_view(seen).substr(seen.size() - 1)).size();
      if (stream.stopped()) break;
      std::size_t needed = 0;  // the longest end of the text that begins a stop string
      for (const auto& s : stop)
        for (std::size_t n = 1; n < s.size(); ++n)
          if (seen.ends_with(s.substr(0, n))) needed = std::max(needed, n);
      ASSERT_EQ(seen.size() - shown, needed) << "round " << round << ", text " << seen;
    }
  }
}

}  // namespace
}  // namespace hyprstream
