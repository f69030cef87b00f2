#include "cli/adapter_picture.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <format>

namespace hyprstream {
namespace {

constexpr std::array<std::string_view, 5> kShades = {"·", "░", "▒", "▓", "█"};
constexpr std::size_t kLabelWidth = 11;  // "gate_proj" and two spaces

double value_of(const ManifestPair& pair, PictureShade shade) {
  return shade == PictureShade::kNorm ? pair.norm : 1 - pair.sparsity();
}

// Zero, and only zero, is the lightest.
std::string_view shade_of(double value, double most) {
  if (value <= 0 || most <= 0) return kShades.front();
  const auto level = static_cast<std::size_t>(std::ceil(value / most * static_cast<double>(kShades.size() - 1)));
  return kShades[std::clamp<std::size_t>(level, 1, kShades.size() - 1)];
}

}  // namespace

std::string draw_adapter(const AdapterManifest& manifest, PictureShade shade, std::size_t width) {
  int layers = 0;
  double most = 0;
  for (const auto& pair : manifest.pairs) {
    layers = std::max(layers, pair.id.layer + 1);
    most = std::max(most, value_of(pair, shade));
  }
  const auto room = std::max<std::size_t>(8, width > kLabelWidth ? width - kLabelWidth : 0);
  const auto count = static_cast<std::size_t>(layers);
  const std::size_t layers_per_cell = (count + room - 1) / room;
  const std::size_t cells = (count + layers_per_cell - 1) / layers_per_cell;
  const std::size_t cell_width = cells * 2 <= room ? 2 : 1;
  std::string picture;
  for (const auto module : manifest.description.target_modules) {
    // Nothing where the module is not in the layer.
    std::vector<double> values(cells, -1);
    for (const auto& pair : manifest.pairs) {
      if (pair.id.module != module) continue;
      auto& value = values[static_cast<std::size_t>(pair.id.layer) / layers_per_cell];
      value = std::max(value, value_of(pair, shade));
    }
    std::string line = std::format("{:<{}}", linear_module_name(module), kLabelWidth);
    for (const double value : values)
      for (std::size_t i = 0; i < cell_width; ++i) line += value < 0 ? std::string_view(" ") : shade_of(value, most);
    picture += line + '\n';
  }
  const std::string largest =
      shade == PictureShade::kNorm ? std::format("norm {:.3g}", most) : std::format("{:.2f}% non-zero", 100 * most);
  picture += std::format("{:<{}}layers 0 to {}; {} is 0, {} is {}\n", "", kLabelWidth, layers - 1, kShades.front(),
                         kShades.back(), largest);
  return picture;
}

}  // namespace hyprstream
