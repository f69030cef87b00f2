// PEFT adapters: a directory with adapter_config.json and adapter_model.safetensors.
//
// Source: huggingface.co/docs/peft (LoraConfig, checkpoint format). GGUFs of the `llama` architecture have
// the rows of q and k permuted for RoPE: B of q_proj and k_proj is permuted on import and back on export.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "adapter/lora_adapter.hpp"

namespace hyprstream {

// Makes the directory, with F32 tensors. Errors: kAlreadyExists (the path is there and not an empty directory), those
// of AtomicFile.
Result<void> write_peft_directory(const LoraAdapter& adapter, const std::filesystem::path& directory);

// F32, F16 and BF16 tensors. Errors: kCorrupt (naming file and tensor), kUnsupported (naming the option: DoRA,
// modules_to_save, bias, ...), kNotFound, those of check_fits().
Result<LoraAdapter> read_peft_directory(const std::filesystem::path& directory, const BaseModel& base);

}  // namespace hyprstream
