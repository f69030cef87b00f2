// PEFT adapters: a directory with adapter_config.json and adapter_model.safetensors.
//
// Source: huggingface.co/docs/peft (LoraConfig, checkpoint format). GGUFs of the `llama` architecture have
// the rows of q and k permuted for RoPE: B of q_proj and k_proj is permuted on import and back on export.
#pragma once

#include <filesystem>
#include <string_view>

#include "adapter/lora_adapter.hpp"

namespace hyprstream {

inline constexpr std::string_view kPeftConfig = "adapter_config.json";
inline constexpr std::string_view kPeftWeights = "adapter_model.safetensors";

// Makes the directory, with F32 tensors. Errors: kAlreadyExists (the path is there and not an empty directory),
// kUnsupported (q or k of an architecture whose rows rope_row_order() cannot put back), those of AtomicFile.
Result<void> write_peft_directory(const LoraAdapter& adapter, const std::filesystem::path& directory);

// F32, F16 and BF16 tensors. Errors: those of parse_peft_config(), SafetensorsFile::open(), rope_row_order() and
// make_dense_adapter(); kCorrupt (tensors that do not belong together, or not to the configuration), kUnsupported
// (naming a tensor that is no A or B of a linear layer in a block).
Result<LoraAdapter> read_peft_directory(const std::filesystem::path& directory, const BaseModel& base);

// The same with the two files anywhere.
Result<LoraAdapter> read_peft_files(const std::filesystem::path& config, const std::filesystem::path& weights,
                                    const BaseModel& base);

}  // namespace hyprstream
