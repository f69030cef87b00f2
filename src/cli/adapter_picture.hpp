// A picture of an adapter for the terminal: modules down, layers across.
#pragma once

#include <cstddef>
#include <string>

#include "adapter_files/manifest.hpp"

namespace hyprstream {

enum class PictureShade { kDensity, kNorm };

// At most `width` columns wide: where there are more layers than fit, neighbours share a cell, which shows the
// largest of them. The darkest cell is the largest value, which the last line names.
std::string draw_adapter(const AdapterManifest& manifest, PictureShade shade, std::size_t width);

}  // namespace hyprstream
