// What a model's GGUF says about it. Nothing here is assumed: a key that is missing stays unset.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "gguf/gguf_file.hpp"

namespace hyprstream {

// How a model that was made for embeddings turns its hidden states into one: llama.cpp's `<architecture>.pooling_type`.
enum class PoolingType : std::uint8_t { kMean, kFirst, kLast };

struct ModelInfo {
  std::string path;
  std::string name;              // general.name, else the file name without its extension
  std::string architecture;      // general.architecture: "qwen3", "llama", ...
  std::uint64_t parameters = 0;  // elements of all tensors
  std::uint64_t file_size = 0;   // bytes, all split files together
  std::string quantization;      // "Q8_0", "Q4_K_M", ...: general.file_type, else the type of most weights
  int layers = 0;
  int hidden_size = 0;
  int feed_forward_size = 0;  // 0 if not given, or if it differs between layers
  int heads = 0;
  int kv_heads = 0;
  int head_size = 0;
  int context_length = 0;  // trained
  int vocabulary_size = 0;
  std::string tokenizer;  // tokenizer.ggml.model: "gpt2", "llama", ...
  std::optional<std::string> chat_template;
  std::optional<PoolingType> pooling;  // unset: none of these, as in models that generate text
  std::optional<std::string> license;
};

// Opens the other parts of a split model too. Errors: kCorrupt (no architecture, or a key with the
// wrong type), kUnsupported (the file is no model: an adapter, a projector), and those of
// further_parts() and GgufFile::open().
Result<ModelInfo> read_model_info(const GgufFile& file);

}  // namespace hyprstream
