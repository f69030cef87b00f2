// A model in several files: "NAME-00001-of-00003.gguf" and so on; the first one holds the metadata.
#pragma once

#include <filesystem>
#include <vector>

#include "base/error.hpp"
#include "gguf/gguf_file.hpp"

namespace hyprstream {

// The paths of the parts after the first, in order; none for a model in one file. Errors: kCorrupt
// (split keys that contradict the file name), kInvalidArgument (`first` is a later part; names the
// first), kNotFound (a part is missing; names it).
Result<std::vector<std::filesystem::path>> further_parts(const GgufFile& first);

}  // namespace hyprstream
