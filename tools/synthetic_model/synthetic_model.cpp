#include "synthetic_model/synthetic_model.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "synthetic_model/random_weights.hpp"
#include "synthetic_model/synthetic_vocabulary.hpp"

namespace hyprstream {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{4} << 20;
// Logits then have about this deviation: sure enough that the best token does not hang on rounding.
constexpr float kLogitDeviation = 4.0F;
// What a layer adds outweighs the token's own embedding: with tied embeddings every token would
// else predict itself.
constexpr float kResidualGain = 4.0F;

// Special tokens have small rows, so small logits: generation does not end by chance.
constexpr std::uint64_t kSpecialTokens = 3;
constexpr float kQuietGain = 1.0F / 16;

constexpr std::string_view kChatTemplate =
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

std::uint32_t file_type(TensorType type) noexcept {
  switch (type) {
    case TensorType::kF16: return 1;
    case TensorType::kQ4_0: return 2;
    case TensorType::kQ8_0: return 7;
    case TensorType::kBF16: return 32;
    default: return 0;
  }
}

struct Weights {
  std::string name;
  std::uint64_t columns;
  std::uint64_t rows;            // 0: a vector
  float deviation;               // 0: all ones, or what `last` says
  std::uint64_t quiet_rows = 0;  // at the end, for the special tokens
  float last = 1;                // of a vector that rises evenly from 1
};

std::vector<Weights> list_weights(const SyntheticModelSpec& spec) {
  const auto fan_in = [](std::uint64_t columns) { return 1.0F / std::sqrt(static_cast<float>(columns)); };
  std::vector<Weights> weights;
  const auto matrix = [&](std::string name, std::uint64_t columns, std::uint64_t rows, float gain = 1.0F) {
    weights.push_back({std::move(name), columns, rows, gain * fan_in(columns)});
  };
  const auto ones = [&](std::string name, std::uint64_t size) { weights.push_back({std::move(name), size, 0, 0.0F}); };
  const std::uint64_t queries = std::uint64_t{spec.heads} * spec.head_size;
  const std::uint64_t keys = std::uint64_t{spec.kv_heads} * spec.head_size;

  matrix("token_embd.weight", spec.hidden, spec.vocabulary, kLogitDeviation);
  weights.back().quiet_rows = kSpecialTokens;
  if (spec.most_rope_factor != 1) {
    ones("rope_freqs.weight", spec.head_size / 2);
    weights.back().last = spec.most_rope_factor;
  }
  for (std::uint32_t layer = 0; layer < spec.layers; ++layer) {
    const std::string block = "blk." + std::to_string(layer) + ".";
    ones(block + "attn_norm.weight", spec.hidden);
    matrix(block + "attn_q.weight", spec.hidden, queries);
    matrix(block + "attn_k.weight", spec.hidden, keys);
    matrix(block + "attn_v.weight", spec.hidden, keys);
    matrix(block + "attn_output.weight", queries, spec.hidden, kResidualGain);
    if (spec.architecture == "qwen3") {
      ones(block + "attn_q_norm.weight", spec.head_size);
      ones(block + "attn_k_norm.weight", spec.head_size);
    } else if (spec.architecture == "qwen2") {
      for (const auto& [name, size] : {std::pair{"attn_q.bias", queries}, {"attn_k.bias", keys}, {"attn_v.bias", keys}})
        weights.push_back({block + name, size, 0, 0.1F});
    }
    ones(block + "ffn_norm.weight", spec.hidden);
    matrix(block + "ffn_gate.weight", spec.hidden, spec.feed_forward);
    matrix(block + "ffn_up.weight", spec.hidden, spec.feed_forward);
    matrix(block + "ffn_down.weight", spec.feed_forward, spec.hidden, kResidualGain);
  }
  ones("output_norm.weight", spec.hidden);
  if (!spec.tied) {
    matrix("output.weight", spec.hidden, spec.vocabulary, kLogitDeviation);
    weights.back().quiet_rows = kSpecialTokens;
  }
  return weights;
}

void set_metadata(const SyntheticModelSpec& spec, GgufWriter& writer) {
  const auto key = [&](const char* name) { return spec.architecture + "." + name; };
  writer.set_string("general.architecture", spec.architecture);
  writer.set_string("general.type", "model");
  writer.set_string("general.name", spec.name);
  writer.set_string("general.description", "Random weights: for measuring and testing only.");
  writer.set_uint32("general.file_type", file_type(spec.type));
  writer.set_uint32("general.quantization_version", 2);
  writer.set_uint32(key("block_count"), spec.layers);
  writer.set_uint32(key("context_length"), spec.context);
  writer.set_uint32(key("embedding_length"), spec.hidden);
  writer.set_uint32(key("feed_forward_length"), spec.feed_forward);
  writer.set_uint32(key("attention.head_count"), spec.heads);
  writer.set_uint32(key("attention.head_count_kv"), spec.kv_heads);
  writer.set_uint32(key("attention.key_length"), spec.head_size);
  writer.set_uint32(key("attention.value_length"), spec.head_size);
  writer.set_float32(key("attention.layer_norm_rms_epsilon"), spec.rms_epsilon);
  writer.set_float32(key("rope.freq_base"), spec.rope_base);
  if (spec.rope_scaling != 1) {
    writer.set_string(key("rope.scaling.type"), "linear");
    writer.set_float32(key("rope.scaling.factor"), spec.rope_scaling);
  }
  if (spec.architecture == "llama") writer.set_uint32(key("rope.dimension_count"), spec.head_size);

  const SyntheticVocabulary vocabulary = make_synthetic_vocabulary(spec.vocabulary);
  writer.set_string("tokenizer.ggml.model", "gpt2");
  writer.set_string("tokenizer.ggml.pre", "qwen2");
  writer.set_strings("tokenizer.ggml.tokens", vocabulary.tokens);
  writer.set_int32s("tokenizer.ggml.token_type", vocabulary.types);
  writer.set_strings("tokenizer.ggml.merges", vocabulary.merges);
  writer.set_uint32("tokenizer.ggml.bos_token_id", vocabulary.end_of_text);
  writer.set_uint32("tokenizer.ggml.eos_token_id", vocabulary.end_of_message);
  writer.set_uint32("tokenizer.ggml.padding_token_id", vocabulary.end_of_text);
  writer.set_bool("tokenizer.ggml.add_bos_token", false);
  writer.set_string("tokenizer.chat_template", kChatTemplate);
}

Result<void> check(const SyntheticModelSpec& spec) {
  const auto wrong = [](const std::string& what) { return fail(ErrorCode::kInvalidArgument, what); };
  if (spec.architecture != "qwen3" && spec.architecture != "qwen2" && spec.architecture != "llama")
    return wrong("the architecture of a synthetic model must be qwen3, qwen2 or llama, not '" + spec.architecture +
                 "'");
  if (!can_be_random(spec.type))
    return wrong("a synthetic model cannot have type " + std::string(tensor_type_name(spec.type)) +
                 ": choose F32, F16, BF16, Q8_0 or Q4_0");
  if (spec.layers == 0 || spec.hidden == 0 || spec.feed_forward == 0 || spec.context == 0)
    return wrong("a synthetic model needs layers, a hidden size, a feed-forward size and a context above 0");
  if (spec.heads == 0 || spec.kv_heads == 0 || spec.heads % spec.kv_heads != 0)
    return wrong("the heads of a synthetic model must be a multiple of its KV heads");
  if (spec.head_size == 0 || spec.head_size % 2 != 0) return wrong("the head size of a synthetic model must be even");
  if (spec.vocabulary < kMinVocabulary || spec.vocabulary > kMaxVocabulary)
    return wrong("the vocabulary of a synthetic model must have " + std::to_string(kMinVocabulary) + " to " +
                 std::to_string(kMaxVocabulary) + " tokens");
  return {};
}

Result<void> write_weights(const Weights& weights, TensorType type, SplitMix64& random, TensorSink& sink) {
  std::vector<std::byte> piece;
  if (weights.deviation == 0.0F) {
    std::vector<float> values(weights.columns, 1.0F);
    for (std::size_t i = 1; i < values.size(); ++i)
      values[i] += (weights.last - 1) * static_cast<float>(i) / static_cast<float>(values.size() - 1);
    return sink.write(std::as_bytes(std::span(values)));
  }
  const std::size_t whole_blocks = kPieceBytes / block_bytes(type) * block_bytes(type);
  const std::uint64_t quiet_bytes = weights.quiet_rows * weights.columns / block_elements(type) * block_bytes(type);
  while (sink.remaining() > 0) {
    const bool quiet = sink.remaining() <= quiet_bytes;
    const std::uint64_t left = quiet ? sink.remaining() : sink.remaining() - quiet_bytes;
    piece.clear();
    append_random_weights(type, weights.deviation * (quiet ? kQuietGain : 1.0F),
                          std::min<std::uint64_t>(whole_blocks, left), random, piece);
    HYPRSTREAM_TRY(sink.write(piece));
  }
  return {};
}

}  // namespace

Result<SyntheticModelSpec> synthetic_shape(std::string_view name) {
  SyntheticModelSpec spec;
  if (name == "tiny") return spec;
  spec.layers = 28;
  spec.heads = 16;
  spec.kv_heads = 8;
  spec.head_size = 128;
  spec.context = 40960;
  spec.vocabulary = 151936;
  if (name == "qwen3-0.6b") {
    spec.name = "synthetic Qwen3-0.6B";
    spec.hidden = 1024;
    spec.feed_forward = 3072;
    return spec;
  }
  if (name == "qwen3-1.7b") {
    spec.name = "synthetic Qwen3-1.7B";
    spec.hidden = 2048;
    spec.feed_forward = 6144;
    return spec;
  }
  return fail(ErrorCode::kInvalidArgument,
              "there is no shape '" + std::string(name) + "': choose qwen3-0.6b, qwen3-1.7b or tiny");
}

Result<void> write_synthetic_model(const SyntheticModelSpec& spec, const std::filesystem::path& path) {
  HYPRSTREAM_TRY(check(spec));
  GgufWriter writer;
  set_metadata(spec, writer);
  const std::vector<Weights> weights = list_weights(spec);
  const auto type_of = [&](const Weights& w) { return w.rows == 0 ? TensorType::kF32 : spec.type; };
  for (const Weights& w : weights) {
    std::vector<std::uint64_t> shape = {w.columns};
    if (w.rows != 0) shape.push_back(w.rows);
    HYPRSTREAM_TRY(writer.add_tensor(w.name, shape, type_of(w)));
  }
  return writer.finish(path, [&](std::size_t index, TensorSink& sink) {
    // Each tensor has a stream of its own, so that one does not depend on those before it.
    SplitMix64 random(SplitMix64(spec.seed + 0x100000001b3U * (index + 1)).next());
    return write_weights(weights[index], type_of(weights[index]), random, sink);
  });
}

}  // namespace hyprstream
