// Whether a GGUF can be handed to libllama: it aborts the process, or divides by zero, on files
// that parse but contradict themselves.
#pragma once

#include "base/error.hpp"
#include "gguf/gguf_file.hpp"

namespace hyprstream {

// Checks the types, counts and ranges of the keys and the tensors that libllama relies on without
// checking. Errors: kCorrupt or kUnsupported, naming the key or tensor.
Result<void> check_model_file(const GgufFile& file);

}  // namespace hyprstream
