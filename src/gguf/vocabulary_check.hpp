// The part of check_model_file() that looks at the tokenizer's keys.
#pragma once

#include "base/error.hpp"
#include "gguf/gguf_file.hpp"

namespace hyprstream {

// Errors: kCorrupt, naming the key. A file without a tokenizer passes.
Result<void> check_vocabulary(const GgufFile& file);

}  // namespace hyprstream
