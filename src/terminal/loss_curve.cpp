#include "terminal/loss_curve.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <format>

namespace hyprstream {
namespace {

constexpr std::size_t kLabel = 8;  // columns of the numbers at the left, with a space
constexpr std::size_t kWidest = 72;

// A braille character has two columns of four dots; the bits of U+2800 + bits, by column and row from above.
constexpr std::array<std::array<unsigned, 4>, 2> kDots{{{0x01, 0x02, 0x04, 0x40}, {0x08, 0x10, 0x20, 0x80}}};

std::string braille(unsigned bits) {
  const unsigned code = 0x2800 + bits;
  return {static_cast<char>(0xe0 | (code >> 12)), static_cast<char>(0x80 | ((code >> 6) & 0x3f)),
          static_cast<char>(0x80 | (code & 0x3f))};
}

}  // namespace

std::vector<std::optional<double>> LossCurve::by_column(const std::vector<Point>& points, std::size_t columns) const {
  std::vector<double> sums(columns);
  std::vector<std::size_t> counts(columns);
  for (const auto& [step, loss] : points) {
    if (!std::isfinite(loss)) continue;
    const std::size_t last = std::max<std::size_t>(total_steps_, 1);
    const std::size_t column = std::min(step * columns / (last + 1), columns - 1);
    sums[column] += loss;
    ++counts[column];
  }
  std::vector<std::optional<double>> means(columns);
  for (std::size_t i = 0; i < columns; ++i)
    if (counts[i] > 0) means[i] = sums[i] / static_cast<double>(counts[i]);
  return means;
}

std::vector<std::string> LossCurve::render(std::size_t width, std::size_t height) const {
  if (width < kLabel + 4 || training_.empty()) return {};
  const std::size_t columns = std::min(width, kWidest) - kLabel - 1;
  const std::size_t rows = std::max<std::size_t>(height, 2);
  const auto fine = by_column(training_, columns * 2);
  const auto marks = by_column(validation_, columns);
  double least = INFINITY;
  double most = -INFINITY;
  for (const auto* means : {&fine, &marks})
    for (const auto& mean : *means)
      if (mean) least = std::min(least, *mean), most = std::max(most, *mean);
  if (!std::isfinite(least)) return {};
  const double range = most > least ? most - least : 1;
  // Dots from above, 0 to rows * 4 - 1.
  const auto dot_of = [&](double loss) {
    return static_cast<std::size_t>(std::lround((most - loss) / range * static_cast<double>(rows * 4 - 1)));
  };

  std::vector<std::vector<unsigned>> dots(rows, std::vector<unsigned>(columns));
  std::optional<std::size_t> previous;
  for (std::size_t x = 0; x < fine.size(); ++x) {
    if (!fine[x]) continue;
    const std::size_t y = dot_of(*fine[x]);
    // A step down is drawn as a line, so that the curve hangs together.
    const std::size_t from = std::min(y, previous.value_or(y));
    const std::size_t to = std::max(y, previous.value_or(y));
    for (std::size_t dot = from; dot <= to; ++dot) dots[dot / 4][x / 2] |= kDots[x % 2][dot % 4];
    previous = y;
  }
  std::vector<std::string> lines;
  for (std::size_t row = 0; row < rows; ++row) {
    std::string line = row == 0          ? std::format("{:>7.3f} ┤", most)
                       : row + 1 == rows ? std::format("{:>7.3f} ┤", least)
                                         : std::string(kLabel, ' ') + "│";
    for (std::size_t x = 0; x < columns; ++x) {
      const bool is_mark = marks[x] && dot_of(*marks[x]) / 4 == row;
      line += is_mark ? "◆" : dots[row][x] == 0 ? " " : braille(dots[row][x]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace hyprstream
