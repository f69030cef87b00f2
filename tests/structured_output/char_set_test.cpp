#include "structured_output/char_set.hpp"

#include <gtest/gtest.h>

namespace hyprstream {
namespace {

using Ranges = std::vector<CharRange>;

TEST(CharSet, JoinsWhatTouches) {
  EXPECT_EQ(CharSet::of("cab").ranges(), (Ranges{{U'a', U'c'}}));
  EXPECT_EQ(CharSet().add(5, 9).add(20, 30).add(8, 19).ranges(), (Ranges{{5, 30}}));
  EXPECT_EQ(CharSet().add(U'a', U'a').add(U'c', U'c').ranges(), (Ranges{{U'a', U'a'}, {U'c', U'c'}}));
}

TEST(CharSet, HasNoSurrogates) {
  EXPECT_EQ(CharSet::all().ranges(), (Ranges{{0, 0xD7FF}, {0xE000, 0x10FFFF}}));
  EXPECT_TRUE(CharSet().add(0xD800, 0xDFFF).empty());
  EXPECT_EQ(CharSet().add(0xD000, 0x200000).ranges(), (Ranges{{0xD000, 0xD7FF}, {0xE000, 0x10FFFF}}));
  EXPECT_TRUE(CharSet::all().complement().empty());
}

TEST(CharSet, Subtracts) {
  const auto letters = CharSet().add(U'a', U'z');
  EXPECT_EQ(letters.without(CharSet::of("am")).ranges(), (Ranges{{U'b', U'l'}, {U'n', U'z'}}));
  EXPECT_EQ(letters.complement().complement().ranges(), letters.ranges());
  EXPECT_TRUE(letters.without(CharSet::all()).empty());
}

TEST(CharSet, WritesGbnf) {
  EXPECT_EQ(CharSet::of("-]^a").gbnf_class(), R"([\x2D\x5D-\x5Ea])");
  EXPECT_EQ(CharSet().add(U'é', U'é').add(U'🚀', U'🚀').gbnf_class(), R"([\u00E9\U0001F680])");
  EXPECT_EQ(CharSet::of("a\"\n").gbnf_json_char(), R"(([a] | "\\\"" | "\\n"))");
  EXPECT_EQ(CharSet::of("\\").gbnf_json_char(), R"("\\\\")");
  EXPECT_EQ(CharSet().add(1, 2).gbnf_json_char(), "");  // no short escape
}

}  // namespace
}  // namespace hyprstream
