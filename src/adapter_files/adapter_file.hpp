// hyprstream's own adapter file: a GGUF container with the sparse arrays as they are used, so that a
// loaded adapter is the mapped file. Specification: docs/adapter-format.md.
#pragma once

#include <filesystem>

#include "adapter/lora_adapter.hpp"
#include "gguf/gguf_file.hpp"

namespace hyprstream {

// Errors: those of GgufWriter::finish().
Result<void> write_adapter_file(const LoraAdapter& adapter, const std::filesystem::path& path);

// Every length and index is checked; the arrays stay in the mapped file. Errors: kCorrupt, naming what is
// wrong; kUnsupported (a newer version, another kind); those of GgufFile::open().
Result<LoraAdapter> read_adapter_file(const std::filesystem::path& path);

// Whether the file says that it is one.
bool is_adapter_file(const GgufFile& file);

}  // namespace hyprstream
