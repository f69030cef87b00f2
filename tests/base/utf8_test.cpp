#include "base/utf8.hpp"

#include <gtest/gtest.h>

namespace hyprstream {
namespace {

TEST(Utf8, AcceptsEveryLength) {
  EXPECT_FALSE(find_invalid_utf8(""));
  EXPECT_FALSE(find_invalid_utf8("plain"));
  EXPECT_FALSE(find_invalid_utf8("\xC2\x80\xDF\xBF \xE0\xA0\x80\xEF\xBF\xBF \xF0\x90\x80\x80\xF4\x8F\xBF\xBF"));
}

TEST(Utf8, NamesTheFirstInvalidByte) {
  EXPECT_EQ(find_invalid_utf8("ab\xFF"), 2U);
  EXPECT_EQ(find_invalid_utf8("\x80"), 0U);               // continuation without a lead
  EXPECT_EQ(find_invalid_utf8("a\xC0\x80"), 1U);          // overlong
  EXPECT_EQ(find_invalid_utf8("a\xE0\x9F\xBF"), 1U);      // overlong
  EXPECT_EQ(find_invalid_utf8("a\xED\xA0\x80"), 1U);      // surrogate
  EXPECT_EQ(find_invalid_utf8("a\xF4\x90\x80\x80"), 1U);  // past U+10FFFF
  EXPECT_EQ(find_invalid_utf8("a\xF5\x80\x80\x80"), 1U);
  EXPECT_EQ(find_invalid_utf8("a\xE2\x82"), 1U);  // cut short
}

TEST(Utf8, IncompleteSuffixIsWhatCanStillBecomeACharacter) {
  EXPECT_EQ(incomplete_utf8_suffix(""), 0U);
  EXPECT_EQ(incomplete_utf8_suffix("a"), 0U);
  EXPECT_EQ(incomplete_utf8_suffix("a\xC3"), 1U);
  EXPECT_EQ(incomplete_utf8_suffix("a\xC3\xA9"), 0U);
  EXPECT_EQ(incomplete_utf8_suffix("a\xE2\x82"), 2U);
  EXPECT_EQ(incomplete_utf8_suffix("a\xF0\x9F\x9A"), 3U);
  EXPECT_EQ(incomplete_utf8_suffix("a\xF0\x9F\x9A\x80"), 0U);
  EXPECT_EQ(incomplete_utf8_suffix("a\xFF"), 0U);  // never becomes one
  EXPECT_EQ(incomplete_utf8_suffix("\x80\x80"), 0U);
}

TEST(Utf8, ReadsCharacters) {
  EXPECT_EQ(decode_utf8("aé€🚀"), U"aé€🚀");
  EXPECT_EQ(decode_utf8("a\xFFé\xE2\x82"), U"a\uFFFDé\uFFFD\uFFFD");
}

TEST(Utf8, ReplacesInvalidBytesAndKeepsTheRest) {
  EXPECT_EQ(replace_invalid_utf8("a\xFFé"), "a\xEF\xBF\xBDé");
  EXPECT_EQ(replace_invalid_utf8("\xE2\x82"), "\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(Utf8, DisplayWidthCountsColumns) {
  EXPECT_EQ(display_width("abc"), 3U);
  EXPECT_EQ(display_width("é"), 1U);
  EXPECT_EQ(display_width("e\xCC\x81"), 1U);  // combining accent
  EXPECT_EQ(display_width("日本"), 4U);
  EXPECT_EQ(display_width("🚀"), 2U);
}

}  // namespace
}  // namespace hyprstream
