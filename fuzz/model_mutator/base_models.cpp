#include "model_mutator/base_models.hpp"

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <string>
#include <utility>

#include "synthetic_model/synthetic_model.hpp"

namespace hyprstream {
namespace {

constexpr std::uint32_t kVocabulary = 320;
constexpr std::int32_t kNormal = 1;
constexpr std::int32_t kUnknown = 2;
constexpr std::int32_t kControl = 3;
constexpr std::int32_t kByte = 6;

template <typename T>
std::string raw(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

struct Vocabulary {
  std::vector<std::pair<std::string, std::int32_t>> tokens;

  void add(std::string text, std::int32_t type) { tokens.emplace_back(std::move(text), type); }
  // Fills up with short words.
  void fill(const std::string& prefix) {
    for (char a = 'a'; a <= 'z'; ++a) add(prefix + a, kNormal);
    for (char a = 'a'; tokens.size() < kVocabulary; ++a)
      for (char b = 'a'; b <= 'z' && tokens.size() < kVocabulary; ++b) add(prefix + a + b, kNormal);
  }
};

void add_byte_tokens(Vocabulary& vocabulary) {
  for (unsigned byte = 0; byte < 256; ++byte) {
    char text[8];
    std::snprintf(text, sizeof text, "<0x%02X>", byte);
    vocabulary.add(text, kByte);
  }
}

void replace_tokenizer(ModelDraft& draft, const char* model, const Vocabulary& vocabulary) {
  std::erase_if(draft.values, [](const DraftValue& v) {
    return v.key == "tokenizer.ggml.merges" || v.key == "tokenizer.ggml.pre" || v.key == "tokenizer.ggml.tokens" ||
           v.key == "tokenizer.ggml.token_type";
  });
  draft.set_string("tokenizer.ggml.model", model);
  DraftValue tokens{.key = "tokenizer.ggml.tokens", .type = 8, .is_array = true, .elements = {}};
  DraftValue types{.key = "tokenizer.ggml.token_type", .type = 5, .is_array = true, .elements = {}};
  DraftValue scores{.key = "tokenizer.ggml.scores", .type = 6, .is_array = true, .elements = {}};
  for (const auto& [text, type] : vocabulary.tokens) {
    scores.elements.push_back(raw(-static_cast<float>(tokens.elements.size())));
    tokens.elements.push_back(text);
    types.elements.push_back(raw(type));
  }
  for (DraftValue* value : {&tokens, &types, &scores}) draft.values.push_back(std::move(*value));
  draft.set_uint32("tokenizer.ggml.bos_token_id", 1);
  draft.set_uint32("tokenizer.ggml.eos_token_id", 2);
  draft.set_uint32("tokenizer.ggml.unknown_token_id", 0);
}

ModelDraft with_sentence_pieces(ModelDraft draft, const char* model) {
  Vocabulary vocabulary;
  vocabulary.add("<unk>", kUnknown);
  vocabulary.add("<s>", kControl);
  vocabulary.add("</s>", kControl);
  add_byte_tokens(vocabulary);
  vocabulary.add("\xe2\x96\x81", kNormal);  // U+2581, the space
  vocabulary.fill("");
  replace_tokenizer(draft, model, vocabulary);
  return draft;
}

ModelDraft with_word_pieces(ModelDraft draft) {
  Vocabulary vocabulary;
  for (const char* text : {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}) vocabulary.add(text, kControl);
  vocabulary.fill("\xe2\x96\x81");
  replace_tokenizer(draft, "bert", vocabulary);
  return draft;
}

ModelDraft with_rwkv_tokens(ModelDraft draft) {
  Vocabulary vocabulary;
  vocabulary.add("<s>", kControl);
  for (unsigned byte = 0; byte < 256; ++byte) {
    char text[8];
    std::snprintf(text, sizeof text, "\\x%02x", byte);
    vocabulary.add(text, kNormal);
  }
  vocabulary.fill("a");
  replace_tokenizer(draft, "rwkv", vocabulary);
  return draft;
}

ModelDraft renamed(ModelDraft draft, const std::string& before, const std::string& after) {
  for (DraftValue& value : draft.values)
    if (value.key.starts_with(before + ".")) value.key = after + value.key.substr(before.size());
  draft.set_string("general.architecture", after);
  return draft;
}

// Four experts instead of each layer's feed-forward network.
ModelDraft with_experts(const ModelDraft& qwen3) {
  ModelDraft draft = renamed(qwen3, "qwen3", "qwen3moe");
  draft.set_uint32("qwen3moe.expert_count", 4);
  draft.set_uint32("qwen3moe.expert_used_count", 2);
  draft.set_uint32("qwen3moe.expert_feed_forward_length", 32);
  for (DraftTensor& tensor : draft.tensors) {
    const std::size_t name = tensor.name.find("ffn_");
    if (name == std::string::npos || tensor.name.find("norm") != std::string::npos) continue;
    tensor.name.insert(tensor.name.rfind('.'), "_exps");
    tensor.shape.push_back(4);
  }
  for (const char* layer : {"blk.0.", "blk.1."})
    draft.tensors.push_back({layer + std::string("ffn_gate_inp.weight"), {32, 4}, 0});
  return draft;
}

// Sliding-window attention, norms after as well as before.
ModelDraft with_sliding_window(const ModelDraft& qwen3) {
  ModelDraft draft = renamed(qwen3, "qwen3", "gemma3");
  draft.set_uint32("gemma3.attention.sliding_window", 16);
  for (const char* layer : {"blk.0.", "blk.1."})
    for (const char* name : {"post_attention_norm.weight", "post_ffw_norm.weight"})
      draft.tensors.push_back({layer + std::string(name), {32}, 0});
  return draft;
}

}  // namespace

std::vector<ModelDraft> make_base_models() {
  std::vector<ModelDraft> models;
  const auto path = std::filesystem::temp_directory_path() / ("base_model_" + std::to_string(::getpid()) + ".gguf");
  for (const char* architecture : {"qwen3", "llama", "qwen2"}) {
    SyntheticModelSpec spec;
    spec.architecture = architecture;
    spec.layers = 2;
    spec.hidden = 32;
    spec.feed_forward = 32;
    spec.heads = 2;
    spec.kv_heads = 1;
    spec.head_size = 16;
    spec.context = 128;
    spec.vocabulary = kVocabulary;
    if (!write_synthetic_model(spec, path)) return {};
    const auto file = GgufFile::open(path);
    if (!file) return {};
    models.push_back(ModelDraft::from(*file));
  }
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
  const ModelDraft qwen3 = models[0];
  const ModelDraft llama = models[1];
  models.push_back(with_sentence_pieces(llama, "llama"));
  models.push_back(with_sentence_pieces(llama, "t5"));
  models.push_back(with_sentence_pieces(llama, "plamo2"));
  models.push_back(with_word_pieces(llama));
  models.push_back(with_rwkv_tokens(llama));
  models.push_back(with_experts(qwen3));
  models.push_back(with_sliding_window(qwen3));
  return models;
}

}  // namespace hyprstream
