#include "terminal/loss_curve.hpp"

#include <gtest/gtest.h>

#include "base/utf8.hpp"

namespace hyprstream {
namespace {

// Rows of dots, from above: the picture as a grid of '#' and '.'.
std::vector<std::string> dots_of(const std::vector<std::string>& lines) {
  std::vector<std::string> grid;
  for (const auto& line : lines) {
    const auto characters = decode_utf8(line);
    std::vector<std::string> rows(4);
    for (std::size_t i = 9; i < characters.size(); ++i) {
      const unsigned bits = characters[i] >= 0x2800 && characters[i] < 0x2900 ? characters[i] - 0x2800U : 0U;
      constexpr unsigned kBits[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
      for (std::size_t row = 0; row < 4; ++row)
        for (const unsigned bit : kBits[row]) rows[row] += (bits & bit) != 0 ? '#' : '.';
    }
    grid.append_range(rows);
  }
  return grid;
}

TEST(LossCurve, DrawsAFallingLine) {
  LossCurve curve(15);
  for (std::size_t step = 0; step < 16; ++step) curve.add(step, 15.0 - static_cast<double>(step));
  const auto lines = curve.render(17, 4);  // 8 columns of 2 dots, 4 rows of 4
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_TRUE(lines.front().starts_with(" 15.000 ┤"));
  EXPECT_TRUE(lines.back().starts_with("  0.000 ┤"));
  const auto grid = dots_of(lines);
  ASSERT_EQ(grid.size(), 16U);
  for (std::size_t x = 0; x < 16; ++x) {
    // Loss 15 - x at dot x from above, and the line from the one before it.
    EXPECT_EQ(grid[x].at(x), '#') << x;
    EXPECT_EQ(grid[x == 0 ? 0 : x - 1].at(x), '#') << x;
    for (std::size_t y = x + 1; y < 16; ++y) EXPECT_TRUE(x >= grid[y].size() || grid[y][x] == '.') << x << ' ' << y;
  }
}

TEST(LossCurve, FitsItsWidthAndMarksValidation) {
  LossCurve curve(300);
  for (std::size_t step = 1; step <= 300; ++step) curve.add(step, 1000.0 / static_cast<double>(step));
  curve.add_validation(100, 500);
  curve.add_validation(300, 400);
  for (const std::size_t width : {12U, 40U, 79U, 300U}) {
    std::size_t marks = 0;
    for (const auto& line : curve.render(width, 7)) {
      EXPECT_LE(display_width(line), width);
      for (const auto character : decode_utf8(line)) marks += character == U'◆' ? 1 : 0;
    }
    EXPECT_EQ(marks, 2U) << width;
  }
}

TEST(LossCurve, StandsWhatItMayMeet) {
  EXPECT_TRUE(LossCurve(10).render(80, 7).empty());
  LossCurve flat(10);
  flat.add(1, 2);
  EXPECT_EQ(flat.render(80, 7).size(), 7U);
  EXPECT_TRUE(flat.render(5, 7).empty());
  LossCurve odd(0);
  odd.add(5, std::numeric_limits<double>::quiet_NaN());
  EXPECT_TRUE(odd.render(80, 7).empty());
  odd.add(7, 1);
  EXPECT_FALSE(odd.render(80, 7).empty());
}

}  // namespace
}  // namespace hyprstream
