#include "terminal/terminal.hpp"

#include <gtest/gtest.h>

namespace hyprstream {
namespace {

TEST(Table, AlignsByDisplayWidthWithoutTrailingSpaces) {
  Table table({Align::kLeft, Align::kRight, Align::kLeft});
  table.add_row({"name", "size", "note"});
  table.add_row({"日本", "3", ""});
  table.add_row({"x", "12345", "y"});
  EXPECT_EQ(table.render(),
            "name   size  note\n"
            "日本      3\n"
            "x     12345  y\n");
}

TEST(FormatBytes, UsesDecimalUnits) {
  EXPECT_EQ(format_bytes(0), "0 bytes");
  EXPECT_EQ(format_bytes(999), "999 bytes");
  EXPECT_EQ(format_bytes(1000), "1.0 kB");
  EXPECT_EQ(format_bytes(3'768'128), "3.8 MB");
  EXPECT_EQ(format_bytes(999'999), "1.0 MB");
  EXPECT_EQ(format_bytes(380'000'000), "380 MB");
}

TEST(FormatCount, NamesParameters) {
  EXPECT_EQ(format_count(12), "12");
  EXPECT_EQ(format_count(3'476'544), "3.5 M");
  EXPECT_EQ(format_count(596'049'920), "596 M");
  EXPECT_EQ(format_count(1'720'574'976), "1.7 B");
}

}  // namespace
}  // namespace hyprstream
