// Models with random weights and real shapes, for benchmarks and tests: what they say is noise,
// what they cost is not.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "gguf/gguf_writer.hpp"
#include "gguf/tensor_type.hpp"

namespace hyprstream {

struct SyntheticModelSpec {
  std::string name = "synthetic tiny";
  std::string architecture = "qwen3";  // qwen3, qwen2 (biases on q, k, v) or llama
  std::uint32_t layers = 2;
  std::uint32_t hidden = 64;
  std::uint32_t feed_forward = 128;
  std::uint32_t heads = 4;
  std::uint32_t kv_heads = 2;
  std::uint32_t head_size = 16;    // even
  std::uint32_t context = 512;     // tokens
  std::uint32_t vocabulary = 320;  // tokens: 259 (bytes and special tokens) to 400,000
  float rope_base = 1e6F;
  float rms_epsilon = 1e-6F;
  // Llama 3 has factors by which each frequency is divided (rope_freqs.weight); others squeeze positions evenly. 1:
  // not.
  float most_rope_factor = 1;          // from 1 for the first pair of features to this for the last
  float rope_scaling = 1;              // positions are divided by it
  bool tied = true;                    // the output matrix is the embedding
  TensorType type = TensorType::kF32;  // of every matrix: F32, F16, BF16, Q8_0 or Q4_0; vectors stay F32
  std::uint64_t seed = 1;
};

// A named shape: "qwen3-0.6b", "qwen3-1.7b" or "tiny". Errors: kInvalidArgument.
Result<SyntheticModelSpec> synthetic_shape(std::string_view name);

// The same file, byte for byte, for the same specification. Matrices have a standard deviation of
// 1 / sqrt(columns) times a small gain, so that hidden states and logits stay of order 1 to 20 at
// any depth; norms are 1. The vocabulary is a byte-level BPE with ChatML's special tokens; any text tokenizes.
// Errors: kInvalidArgument (a size that makes no model), and those of GgufWriter.
Result<void> write_synthetic_model(const SyntheticModelSpec& spec, const std::filesystem::path& path);

}  // namespace hyprstream
