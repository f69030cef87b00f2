// llama.cpp's LoRA adapters: a GGUF with dense A and B (docs: conversion by convert_lora_to_gguf.py).
//
// general.type = "adapter", adapter.type = "lora", adapter.lora.alpha, and per weight the tensors
// "blk.N.attn_q.weight.lora_a" [rank x in] and ".lora_b" [out x rank]. llama.cpp scales by
// alpha / rank, and by 1 if alpha is 0 or missing.
#pragma once

#include <filesystem>

#include "adapter/lora_adapter.hpp"
#include "gguf/tensor_type.hpp"

namespace hyprstream {

// Writes F32. The file has one alpha: a pair whose scaling is not alpha / its rank has the rest folded into B.
// Errors: those of GgufWriter::finish().
Result<void> write_gguf_lora(const LoraAdapter& adapter, const std::filesystem::path& path);

// F32, F16 and BF16 tensors. `base`: the model that it shall run on, which the file does not name.
// Errors: kCorrupt; kUnsupported (aLoRA invocation tokens; a tensor that is no plain linear layer: names it); those of
// make_dense_adapter().
Result<LoraAdapter> read_gguf_lora(const std::filesystem::path& path, const BaseModel& base);

}  // namespace hyprstream
