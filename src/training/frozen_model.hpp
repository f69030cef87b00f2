// The base model as training sees it: shapes, constants and weights, mapped from its file.
#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "gguf/gguf_file.hpp"
#include "runtime/linear_hook.hpp"
#include "training/frozen_weight.hpp"

namespace hyprstream {

struct TransformerShape {
  std::size_t layers = 0;
  std::size_t hidden = 0;
  std::size_t feed_forward = 0;
  std::size_t heads = 0;
  std::size_t kv_heads = 0;
  std::size_t head_size = 0;
  std::size_t vocabulary = 0;
  std::size_t context = 0;  // tokens
  float norm_epsilon = 0;
  float attention_scale = 0;  // of a query and key's product

  std::size_t queries() const noexcept { return heads * head_size; }
  std::size_t keys() const noexcept { return kv_heads * head_size; }
};

// Rotary positions (Su et al. 2021, arXiv:2104.09864): pair i of a head turns by position * frequencies[i].
struct RotaryPositions {
  std::vector<float> frequencies;  // [rotated features / 2], radians per position
  bool is_interleaved = false;     // pairs are (2i, 2i + 1), as in llama; else (i, i + half)
};

struct FrozenLinear {
  FrozenWeight weight;
  std::vector<float> bias;  // [out], or empty
};

struct FrozenLayer {
  std::vector<float> attention_norm;                     // [hidden]
  std::vector<float> query_norm, key_norm;               // [head size], or empty
  std::vector<float> feed_forward_norm;                  // [hidden]
  std::array<FrozenLinear, kLinearModuleCount> linears;  // by LinearModule

  const FrozenLinear& linear(LinearModule module) const noexcept { return linears[static_cast<std::size_t>(module)]; }
};

// Immutable, const access is thread-safe.
class FrozenModel {
 public:
  // `path`: a model in one file, or the first part of a split one. Errors: kUnsupported (an architecture other than
  // llama, qwen2 and qwen3, or a feature that is not known here; names it), kCorrupt (a key or tensor that is missing
  // or has another type or shape), and those of GgufFile::open().
  static Result<std::unique_ptr<const FrozenModel>> open(const std::filesystem::path& path);

  const TransformerShape& shape() const noexcept { return shape_; }
  const RotaryPositions& positions() const noexcept { return positions_; }
  const std::vector<FrozenLayer>& layers() const noexcept { return layers_; }
  const std::vector<float>& output_norm() const noexcept { return output_norm_; }  // [hidden]
  const FrozenWeight& embedding() const noexcept { return embedding_; }            // [vocabulary x hidden]
  const FrozenWeight& output() const noexcept { return output_; }                  // the same if they are tied

 private:
  friend class FrozenModelReader;
  FrozenModel() = default;

  std::vector<GgufFile> files_;  // all else points into them
  TransformerShape shape_;
  RotaryPositions positions_;
  std::vector<FrozenLayer> layers_;
  std::vector<float> output_norm_;
  FrozenWeight embedding_;
  FrozenWeight output_;
};

}  // namespace hyprstream
