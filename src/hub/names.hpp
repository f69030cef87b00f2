// Which names of repositories, revisions and files are taken: from a user, and from a hub that may be
// hostile. All of them become parts of paths in the cache.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace hyprstream {

// "org/name" or "name": letters, digits, '-', '_' and '.', as huggingface_hub has it; each part up to 96
// characters, neither beginning nor ending with '-' or '.', without "--" and "..", not ending in ".git".
bool is_repository_name(std::string_view name) noexcept;

// A branch, tag or commit: "main", "v1.0", "refs/pr/1". At most 200 bytes; no empty part, "." or "..".
bool is_revision(std::string_view revision) noexcept;

// A full commit: 40 lower-case hexadecimal digits.
bool is_commit(std::string_view revision) noexcept;

// The name of a blob: a SHA-256 (64 digits) or a git blob's SHA-1 (40).
bool is_blob_name(std::string_view etag) noexcept;

// A file's path below a snapshot: relative, valid UTF-8, parts of 1 to 255 bytes separated by '/', at most 1024 bytes;
// no part is "." or "..", and there is no backslash and no control character.
// Errors: kCorrupt, saying what is wrong with it.
Result<void> check_file_path(std::string_view path);

// An ETag header without W/ and quotes.
std::string_view strip_etag(std::string_view etag) noexcept;

}  // namespace hyprstream
