// What a user may write for a model.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace hyprstream {

// The word that stands for the model that ships with hyprstream.
inline constexpr std::string_view kBundledModel = "bundled";

// The GGUF file: the bundled model's if none is named, or by kBundledModel.
std::string model_path_for(const std::optional<std::string>& reference);

// A failure to open the model, with what the user can do about it.
Error with_model_remedy(Error error);

// Whether the text names a model: kBundledModel, a file that exists, what is written like a path or
// repository ("a/b", "x.gguf"), or a short name ("qwen3-0.6b").
bool names_a_model(const std::string& text);

// The path as a person wants to read it: "./models/x.gguf" below the current directory.
std::string display_path(const std::filesystem::path& path);

}  // namespace hyprstream
