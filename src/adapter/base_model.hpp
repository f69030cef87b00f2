// What an adapter knows of the model that it was made for, and what it needs of one to run on it.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "gguf/gguf_file.hpp"
#include "runtime/linear_hook.hpp"

namespace hyprstream {

// One target weight W [out x in] and its shape.
struct LinearShape {
  LinearId id;
  std::size_t in = 0;
  std::size_t out = 0;

  friend bool operator==(const LinearShape&, const LinearShape&) = default;
};

// A model as adapters see it. Immutable.
struct BaseModel {
  std::string name;          // as ModelInfo::name
  std::string architecture;  // as ModelInfo::architecture
  // SHA-256 of the GGUF's header, in hex: everything before the tensor data, so metadata and
  // tensor table. Another quantization of the same model has another one.
  std::string header_sha256;
  std::size_t heads = 0;  // 0 if the file does not say; the llama q/k permutation needs them
  std::size_t kv_heads = 0;
  std::vector<LinearShape> linears;  // the plain linear layers, by layer, then module
  // Weights of the first block that are something else: "attn_qkv", "ffn_gate_exps", ...
  std::vector<std::string> other_weights;

  const LinearShape* find(LinearId id) const noexcept;
  // In the order of LinearModule: those that at least one layer has.
  std::vector<LinearModule> modules() const;
};

// Reads the headers only; `path` names a model in one file, or the first part of a split one.
// Errors: those of read_model_info(); kUnsupported (a layer wider than kMaxLayerWidth).
Result<BaseModel> read_base_model(const std::filesystem::path& path);

// Why a pair of this shape cannot act on the model, or nothing: "the model has no blk.30.attn_q.weight",
// "blk.0.attn_q.weight is [1024 x 1024] in this model, and the adapter was made for [2048 x 1024]".
std::optional<std::string> describe_misfit(const BaseModel& base, const LinearShape& needed);

// "q_proj,v_proj" or "all" (every one of the seven that the model has), in the order of LinearModule
// and without repetition. Errors: kInvalidArgument (not a module; names the seven), kUnsupported (the
// model has no such layer: says what it has instead, such as "attn_qkv", q, k and v fused).
Result<std::vector<LinearModule>> parse_target_modules(std::string_view text, const BaseModel& base);

// "q_proj,v_proj".
std::string format_target_modules(std::span<const LinearModule> modules);

}  // namespace hyprstream
