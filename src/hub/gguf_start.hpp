// Whether what is fetched as a model is one: at its first bytes, and once it is there.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "base/error.hpp"

namespace hyprstream {

// `start`: the first bytes of the file. Errors: kCorrupt: it is no GGUF (saying what it seems to be).
Result<void> check_gguf_start(std::span<const std::byte> start, const std::string& name);

// The header of the whole file. What is no GGUF is removed, together with `state`. Errors: those of GgufFile::open().
Result<void> check_gguf(const std::filesystem::path& path, const std::filesystem::path& state, const std::string& name);

}  // namespace hyprstream
