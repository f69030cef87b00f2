// A model of another layout: q, k and v in one matrix, gate and up in another.
#pragma once

#include <filesystem>

namespace hyprstream::testing_support {

// A tiny F32 model of the phi3 architecture with random weights. Fails the test if it cannot be written.
void write_fused_model(const std::filesystem::path& path);

}  // namespace hyprstream::testing_support
