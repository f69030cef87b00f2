// Adapters from elsewhere, whatever their format.
#pragma once

#include <filesystem>

#include "adapter/lora_adapter.hpp"
#include "base/error.hpp"

namespace hyprstream {

// Reads hyprstream's own file, a LoRA GGUF of llama.cpp, or a PEFT directory (or one of the two files in it), told
// apart by what is in them. The result fits `base`; it may change nothing, which LoraAdapter::changes_anything() tells.
// Errors: kUnsupported (not an adapter: says what it is), those of the reader and of check_fits().
Result<LoraAdapter> import_adapter(const std::filesystem::path& path, const BaseModel& base);

}  // namespace hyprstream
