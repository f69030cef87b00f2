#include "terminal/side_by_side.hpp"

#include <gtest/gtest.h>

#include "base/utf8.hpp"

namespace hyprstream {
namespace {

using Lines = std::vector<std::string>;

TEST(WrapText, BreaksAtSpaces) {
  EXPECT_EQ(wrap_text("one two three", 7), (Lines{"one two", "three"}));
  EXPECT_EQ(wrap_text("one two three", 13), (Lines{"one two three"}));
  EXPECT_EQ(wrap_text("", 5), (Lines{""}));
  EXPECT_EQ(wrap_text("a\n\nb", 5), (Lines{"a", "", "b"}));
}

TEST(WrapText, CutsWhatIsTooLongBetweenCharacters) {
  EXPECT_EQ(wrap_text("abcdefg hi", 3), (Lines{"abc", "def", "g", "hi"}));
  for (const std::size_t width : {1U, 2U, 3U, 5U})
    for (const auto& line : wrap_text("äöü日本語🙂 ünd", width)) {
      EXPECT_FALSE(find_invalid_utf8(line));
      EXPECT_LE(display_width(line), std::max<std::size_t>(width, 2));
    }
}

TEST(SideBySide, KeepsItsColumnsAligned) {
  const auto text = render_side_by_side("one two three", "日本語 four", 30);
  EXPECT_EQ(text,
            "  one two       │ 日本語 four\n"
            "  three         │\n");
}

}  // namespace
}  // namespace hyprstream
