// Whether an adapter can be trained on a model.
#pragma once

#include <filesystem>

#include "base/error.hpp"

namespace hyprstream {

// Reads the headers only. Errors: kUnsupported, naming the architecture or the feature that training does not know;
// those of reading the file.
Result<void> check_trainable(const std::filesystem::path& model);

}  // namespace hyprstream
