// The name git gives a file's content: SHA-1 of "blob LENGTH\0" and the content. The Hugging Face hub
// uses it as the ETag of files that are not in LFS.
#pragma once

#include <filesystem>
#include <string>

#include "base/error.hpp"

namespace hyprstream {

// 40 lower-case hexadecimal digits. Errors: those of MappedFile::open; kInternal.
Result<std::string> git_blob_id(const std::filesystem::path& path);

}  // namespace hyprstream
