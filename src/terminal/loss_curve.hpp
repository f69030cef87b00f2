// A curve drawn with characters.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace hyprstream {

// The loss over the steps of a run, for a terminal. Not thread-safe.
class LossCurve {
 public:
  explicit LossCurve(std::size_t total_steps) : total_steps_(total_steps) {}

  void add(std::size_t step, double loss) { training_.push_back({step, loss}); }
  void add_validation(std::size_t step, double loss) { validation_.push_back({step, loss}); }
  bool empty() const noexcept { return training_.empty(); }

  // Lines, each at most `width` columns: the training loss as a line of braille dots, eight to a character, and the
  // validation loss as diamonds over it, above an axis of all steps. `height`: rows of the picture, at least 2.
  std::vector<std::string> render(std::size_t width, std::size_t height) const;

 private:
  struct Point {
    std::size_t step;
    double loss;
  };

  // The mean of the points that fall on each of `columns` columns.
  std::vector<std::optional<double>> by_column(const std::vector<Point>& points, std::size_t columns) const;

  std::size_t total_steps_;
  std::vector<Point> training_;
  std::vector<Point> validation_;
};

}  // namespace hyprstream
