#include "terminal/printable.hpp"

#include <gtest/gtest.h>

namespace hyprstream {
namespace {

TEST(Printable, WritesOutWhatATerminalWouldObey) {
  EXPECT_EQ(printable_line("a\x1b[2Jb"), "a\\x1b[2Jb");
  EXPECT_EQ(printable_line("a\nb\tc"), "a\\x0ab\\x09c");
  EXPECT_EQ(printable_line("del\x7f"), "del\\x7f");
  EXPECT_EQ(printable_line("\xc2\x9b"
                           "31m"),
            "\\x9b31m");  // the one-character form of ESC [
  EXPECT_EQ(in_quotes("x\r"), "'x\\x0d'");
}

TEST(Printable, LeavesTextAlone) {
  EXPECT_EQ(printable_line("naïve 日本語 🚀"), "naïve 日本語 🚀");
  EXPECT_EQ(printable_line("\xc2\xa0"), "\xc2\xa0");  // a no-break space begins like a control
  EXPECT_EQ(printable_text("a\n\tb"), "a\n\tb");
  EXPECT_EQ(printable_text("a\rb"), "a\\x0db");
  EXPECT_EQ(printable_line(""), "");
}

TEST(Printable, ReplacesWhatIsNotUtf8) { EXPECT_EQ(printable_line("a\xff"), "a\uFFFD"); }

}  // namespace
}  // namespace hyprstream
