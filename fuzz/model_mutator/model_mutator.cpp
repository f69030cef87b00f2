#include "model_mutator/model_mutator.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>
#include <utility>

namespace hyprstream {
namespace {

constexpr std::size_t kMostChanges = 4;
constexpr auto kString = static_cast<std::uint32_t>(GgufValueType::kString);

// Keys that libllama knows and the base models do not have; "@" stands for the architecture.
constexpr std::array kOptionalKeys = std::to_array<std::string_view>({
    "@.expert_count",
    "@.expert_used_count",
    "@.expert_group_count",
    "@.expert_group_used_count",
    "@.expert_shared_count",
    "@.expert_feed_forward_length",
    "@.expert_gating_func",
    "@.expert_weights_scale",
    "@.leading_dense_block_count",
    "@.nextn_predict_layers",
    "@.rope.dimension_count",
    "@.rope.dimension_sections",
    "@.rope.scaling.type",
    "@.rope.scaling.factor",
    "@.rope.scaling.original_context_length",
    "@.rope.scaling.attn_factor",
    "@.rope.scaling.yarn_log_multiplier",
    "@.rope.scale_linear",
    "@.rope.freq_base_swa",
    "@.attention.sliding_window",
    "@.attention.sliding_window_pattern",
    "@.attention.causal",
    "@.attention.max_alibi_bias",
    "@.attention.clamp_kqv",
    "@.attention.scale",
    "@.attention.layer_norm_epsilon",
    "@.attention.group_norm_epsilon",
    "@.attention.group_norm_groups",
    "@.attention.temperature_length",
    "@.attention.key_length_mla",
    "@.attention.key_length_swa",
    "@.attention.value_length_swa",
    "@.pooling_type",
    "@.vocab_size",
    "@.use_parallel_residual",
    "@.logit_scale",
    "@.final_logit_softcapping",
    "@.embedding_scale",
    "@.residual_scale",
    "@.token_shift_count",
    "@.wkv.head_size",
    "@.ssm.state_size",
    "@.ssm.conv_kernel",
    "@.ssm.inner_size",
    "@.ssm.time_step_rank",
    "@.decoder_start_token_id",
    "@.swin_norm",
    "@.features_length",
    "@.classifier.output_labels",
    "@.embedding_length_out",
    "@.n_deepstack_layers",
    "@.shortconv.l_cache",
    "@.tensor_data_layout",
    "tokenizer.ggml.scores",
    "tokenizer.ggml.precompiled_charsmap",
    "tokenizer.ggml.token_type_count",
    "tokenizer.ggml.add_space_prefix",
    "tokenizer.ggml.remove_extra_whitespaces",
    "tokenizer.ggml.eot_token_id",
    "tokenizer.ggml.eom_token_id",
    "tokenizer.ggml.seperator_token_id",
    "tokenizer.ggml.mask_token_id",
    "tokenizer.ggml.fim_pre_token_id",
    "tokenizer.ggml.add_eos_token",
    "tokenizer.ggml.add_sep_token",
    "tokenizer.ggml.suppress_tokens",
    "tokenizer.ggml.normalizer.lowercase",
    "tokenizer.chat_template.tool_use",
    "general.alignment",
    "general.type",
    "split.no",
    "split.count",
    "split.tensors.count",
    "general.quantized_by",
    "adapter.type",
});

constexpr std::array kTexts = std::to_array<std::string_view>({
    "",
    " ",
    "a",
    "a b",
    " a",
    "a ",
    "  ",
    "<0x-1>",
    "<0x41>",
    "<0xZZ>",
    "<0x",
    "<0x100>",
    "\xff",
    "\xc0\x80",
    "\xf4\x90\x80\x80",
    "\xe2\x96\x81",
    "[EMPTY_3]",
    "<unk>",
    "\\x",
    "\\xzz",
    "\\x4",
    "\\",
    "none",
    "linear",
    "yarn",
    "longrope",
    "gpt2",
    "llama",
    "bert",
    "t5",
    "rwkv",
    "plamo2",
    "no_vocab",
    "default",
    "qwen2",
    "llama-bpe",
    "gpt-2",
    "deepseek-llm",
    "tekken",
    "viking",
    "model",
    "adapter",
    "<|im_end|>",
    "{{",
    "\n",
    "hybriddna",
    "gemma4",
    "whisper",
    "kimi-k2",
    "gpt-4o",
    "mpt",
    "falcon",
    "poro-chat",
});

constexpr std::array kArchitectures = std::to_array<std::string_view>({
    "qwen3",       "llama",         "qwen2",
    "qwen2moe",    "qwen3moe",      "gemma",
    "gemma2",      "gemma3",        "gemma3n",
    "phi2",        "phi3",          "gpt2",
    "gptj",        "gptneox",       "mpt",
    "falcon",      "starcoder",     "bloom",
    "stablelm",    "mamba",         "mamba2",
    "jamba",       "rwkv6",         "rwkv7",
    "deepseek",    "deepseek2",     "t5",
    "t5encoder",   "bert",          "nomic-bert",
    "command-r",   "cohere2",       "olmo",
    "olmo2",       "olmoe",         "granite",
    "granitemoe",  "llama4",        "mistral3",
    "gpt-oss",     "lfm2",          "ernie4_5",
    "hunyuan-moe", "smollm3",       "exaone",
    "exaone4",     "glm4",          "glm4moe",
    "minicpm",     "minicpm3",      "internlm2",
    "orion",       "xverse",        "baichuan",
    "chatglm",     "bitnet",        "plamo",
    "plamo2",      "dots1",         "arcee",
    "apertus",     "dream",         "llada",
    "qwen2vl",     "qwen3vl",       "qwen3next",
    "qwen35",      "kimi-linear",   "wavtokenizer-dec",
    "codeshell",   "refact",        "dbrx",
    "grok",        "arctic",        "nemotron",
    "deci",        "openelm",       "jais",
    "plm",         "bailingmoe",    "seed_oss",
    "nemotron_h",  "granitehybrid", "falcon-h1",
    "afmoe",       "mimo2",         "step35",
    "minimax-m2",
});

template <typename T>
std::string raw(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

class Mutation {
 public:
  Mutation(ModelDraft draft, ByteSource source) : draft_(std::move(draft)), source_(source) {}

  ModelDraft run() {
    const std::size_t changes = 1 + source_.pick(kMostChanges);
    for (std::size_t i = 0; i < changes && !source_.empty(); ++i) change();
    return std::move(draft_);
  }

 private:
  void change() {
    switch (source_.pick(13)) {
      case 0:
      case 1: change_elements(any_value()); break;
      case 2: change_type(any_value()); break;
      case 3: change_count(any_value()); break;
      case 4: remove_value(); break;
      case 5:
      case 6: add_value(); break;
      case 7: change_shape(any_tensor()); break;
      case 8: any_tensor().type = static_cast<std::uint32_t>(source_.pick(44)); break;
      case 9: change_tensor_list(); break;
      case 10: change_architecture(); break;
      case 11: change_text(); break;
      default: resize_model(); break;
    }
  }

  DraftValue& any_value() {
    if (draft_.values.empty()) draft_.set_uint32("general.file_type", 0);
    return draft_.values[source_.pick(draft_.values.size())];
  }
  DraftTensor& any_tensor() {
    if (draft_.tensors.empty()) draft_.tensors.push_back({"token_embd.weight", {32, 320}, 0});
    return draft_.tensors[source_.pick(draft_.tensors.size())];
  }

  // An element of the type from a number at some border.
  std::string element(std::uint32_t type) {
    if (type == kString) return std::string(kTexts[source_.pick(kTexts.size())]);
    const std::uint64_t number = source_.number();
    if (type == static_cast<std::uint32_t>(GgufValueType::kFloat32)) return raw(float_from(number));
    if (type == static_cast<std::uint32_t>(GgufValueType::kFloat64))
      return raw(static_cast<double>(float_from(number)));
    return raw(number).substr(0, element_size(type));
  }
  // Half of the time a number as its bits say, so that infinities and NaN come up.
  float float_from(std::uint64_t number) {
    float value = static_cast<float>(static_cast<std::int64_t>(number));
    constexpr std::array<std::uint32_t, 6> kBits = {0x7f800000, 0xff800000, 0x7fc00000,
                                                    0x00000001, 0x80000000, 0xbf800000};
    const std::size_t choice = source_.pick(2 * kBits.size());
    if (choice < kBits.size()) std::memcpy(&value, &kBits[choice], sizeof value);
    return value;
  }

  void change_elements(DraftValue& value) {
    if (value.elements.empty()) return;
    std::string& one = value.elements[source_.pick(value.elements.size())];
    // Sometimes another element's value: duplicates.
    one = source_.pick(4) == 0 ? value.elements[source_.pick(value.elements.size())] : element(value.type);
  }

  void change_type(DraftValue& value) {
    const bool was_array = value.is_array;
    value.type = static_cast<std::uint32_t>(source_.pick(13));
    if (value.type == static_cast<std::uint32_t>(GgufValueType::kArray)) value.type = 0;
    value.is_array = source_.pick(3) == 0 ? !was_array : was_array;
    if (!value.is_array) value.elements.resize(1);
    for (std::string& one : value.elements)
      if (value.type != kString && one.size() != element_size(value.type))
        one = std::string(element_size(value.type), '\1');
    if (!value.elements.empty()) value.elements[0] = element(value.type);
  }

  void change_count(DraftValue& value) {
    value.is_array = true;
    const std::array<std::size_t, 6> counts = {0,
                                               1,
                                               value.elements.size() - std::min<std::size_t>(1, value.elements.size()),
                                               value.elements.size() + 1,
                                               value.elements.size() / 2,
                                               600};
    const std::size_t count = counts[source_.pick(counts.size())];
    while (value.elements.size() < count) value.elements.push_back(element(value.type));
    value.elements.resize(count);
  }

  void remove_value() {
    if (draft_.values.empty()) return;
    draft_.values.erase(draft_.values.begin() + static_cast<std::ptrdiff_t>(source_.pick(draft_.values.size())));
  }

  void add_value() {
    std::string key(kOptionalKeys[source_.pick(kOptionalKeys.size())]);
    if (key.starts_with('@')) key = architecture() + key.substr(1);
    if (draft_.find(key) != nullptr) return;
    // Numbers, texts, booleans and floats, mostly as libllama expects them.
    constexpr std::array<std::uint32_t, 8> kTypes = {4, 4, 4, 6, 7, 8, 5, 0};
    DraftValue value{.key = std::move(key), .elements = {}};
    value.type = kTypes[source_.pick(kTypes.size())];
    value.is_array = source_.pick(4) == 0;
    const std::size_t count = value.is_array ? source_.pick(5) : 1;
    for (std::size_t i = 0; i < count; ++i) value.elements.push_back(element(value.type));
    draft_.values.push_back(std::move(value));
  }

  void change_shape(DraftTensor& tensor) {
    switch (source_.pick(4)) {
      case 0: tensor.shape.resize(source_.pick(6), 1); break;
      case 1: std::ranges::reverse(tensor.shape); break;
      case 2:
        if (!tensor.shape.empty()) tensor.shape[source_.pick(tensor.shape.size())] = source_.number();
        break;
      default:
        if (!tensor.shape.empty()) tensor.shape[source_.pick(tensor.shape.size())] *= 2;
    }
  }

  void change_tensor_list() {
    DraftTensor& tensor = any_tensor();
    constexpr std::array kNames = std::to_array<std::string_view>(
        {"output.weight", "rope_freqs.weight", "blk.0.attn_q.bias", "blk.0.attn_output.bias", "blk.1.ffn_up.bias",
         "token_embd_norm.weight", "position_embd.weight", "cls.weight", "blk.0.ffn_gate_inp.weight",
         "blk.0.attn_qkv.weight", "token_types.weight", "blk.0.ffn_up.scale", "output_norm.bias", "output.bias"});
    switch (source_.pick(4)) {
      case 0: draft_.tensors.erase(draft_.tensors.begin() + (&tensor - draft_.tensors.data())); break;
      case 1: tensor.name = kNames[source_.pick(kNames.size())]; break;
      default: draft_.tensors.push_back({std::string(kNames[source_.pick(kNames.size())]), tensor.shape, tensor.type});
    }
  }

  std::string architecture() {
    const DraftValue* value = draft_.find("general.architecture");
    return value == nullptr || value->elements.empty() ? "llama" : value->elements[0];
  }

  void change_architecture() {
    const std::string before = architecture() + ".";
    const std::string after(kArchitectures[source_.pick(kArchitectures.size())]);
    for (DraftValue& value : draft_.values)
      if (value.key.starts_with(before)) value.key = after + "." + value.key.substr(before.size());
    draft_.set_string("general.architecture", after);
  }

  void change_text() {
    std::vector<DraftValue*> texts;
    for (DraftValue& value : draft_.values)
      if (value.type == kString) texts.push_back(&value);
    if (!texts.empty()) change_elements(*texts[source_.pick(texts.size())]);
  }

  // Another size, in the key and in every tensor that has it: what no check of shapes refuses.
  void resize_model() {
    constexpr std::array kSizes =
        std::to_array<std::pair<std::string_view, std::uint64_t>>({{".embedding_length", 32},
                                                                   {".attention.head_count", 2},
                                                                   {".attention.head_count_kv", 1},
                                                                   {".attention.key_length", 16},
                                                                   {".attention.value_length", 16},
                                                                   {".feed_forward_length", 32}});
    const auto& [name, before] = kSizes[source_.pick(kSizes.size())];
    const auto after = static_cast<std::uint32_t>(std::min<std::uint64_t>(source_.number(), 4096));
    draft_.set_uint32(architecture() + std::string(name), after);
    for (DraftTensor& tensor : draft_.tensors)
      for (std::uint64_t& size : tensor.shape) {
        // Query and key rows are a product of two sizes.
        if (name.find("head_count") != std::string_view::npos || name.find("length") == name.size() - 6) {
          if (tensor.name.find("attn_") != std::string::npos && size % 16 == 0 &&
              name.find("head_count") != std::string_view::npos)
            size = size / before * after;
          else if (size == before)
            size = after;
        }
      }
  }

  ModelDraft draft_;
  ByteSource source_;
};

}  // namespace

std::uint8_t ByteSource::byte() noexcept {
  if (bytes_.empty()) return 0;
  const auto value = std::to_integer<std::uint8_t>(bytes_[0]);
  bytes_ = bytes_.subspan(1);
  return value;
}

std::size_t ByteSource::pick(std::size_t count) noexcept {
  if (count == 0) return 0;
  std::size_t value = byte();
  if (count > 256) value |= static_cast<std::size_t>(byte()) << 8;
  return value % count;
}

std::uint64_t ByteSource::number() noexcept {
  constexpr std::array<std::uint64_t, 24> kNumbers = {
      0,  1,  2,  3,   4,   5,   7,   8,     15,         16,         17,         31,
      32, 33, 64, 255, 256, 512, 513, 65535, 0x7fffffff, 0x80000000, 0xffffffff, 0xffffffffffffffffU};
  const std::size_t choice = pick(kNumbers.size() + 4);
  if (choice < kNumbers.size()) return kNumbers[choice];
  std::uint64_t value = 0;
  for (std::size_t i = 0; i <= choice - kNumbers.size(); ++i) value = value << 8 | byte();
  return value;
}

ModelDraft mutate_model(const std::vector<ModelDraft>& bases, ByteSource source) {
  ModelDraft base = bases[source.pick(bases.size())];
  return Mutation(std::move(base), source).run();
}

}  // namespace hyprstream
