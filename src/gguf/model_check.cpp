#include "gguf/model_check.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gguf/split_files.hpp"
#include "gguf/vocabulary_check.hpp"

namespace hyprstream {
namespace {

// libllama's own limits, which it asserts.
constexpr std::uint64_t kMaxLayers = 512;
constexpr std::uint64_t kMaxExperts = 1024;
// Beyond any model there is; keeps every product of two of them within 64 bits.
constexpr std::uint64_t kMaxSize = std::uint64_t{1} << 24;
constexpr std::uint64_t kMaxContext = std::uint64_t{1} << 30;

std::unexpected<Error> refuse(const GgufFile& file, const std::string& what) {
  return fail(ErrorCode::kCorrupt, file.path().string() + " cannot be run: " + what + "; get the file again");
}

// ---- Hyperparameters ----

// Architectures whose graph takes it for granted that rotary embedding covers the whole head and
// that the query rows are heads x head size.
bool is_plain(std::string_view architecture) noexcept {
  constexpr std::array kPlain =
      std::to_array<std::string_view>({"llama", "qwen2", "qwen2moe", "qwen3", "qwen3moe", "mistral3", "gemma", "gemma2",
                                       "gemma3", "olmo2", "smollm3", "granite", "internlm2"});
  return std::ranges::find(kPlain, architecture) != kPlain.end();
}

// The architecture's keys, by their name after "<architecture>.".
class HyperparameterCheck {
 public:
  HyperparameterCheck(const GgufFile& file, std::string_view architecture)
      : file_(file), prefix_(std::string(architecture) + "."), plain_(is_plain(architecture)) {}

  Result<void> run();

 private:
  Result<void> check_floats() const;
  Result<void> check_heads();
  Result<void> check_query_shapes(const std::vector<std::uint64_t>& heads) const;
  Result<void> check_rope() const;
  Result<void> check_experts() const;
  Result<void> check_window() const;
  Result<void> check_choices() const;

  // A number from `least` to `most`; nothing if the key is missing.
  Result<std::optional<std::uint64_t>> number(std::string_view name, std::uint64_t least, std::uint64_t most) const;
  // One number per layer, from a single one or a list; empty if the key is missing.
  Result<std::vector<std::uint64_t>> per_layer(std::string_view name, std::uint64_t most) const;
  std::string label(std::string_view name) const { return "key '" + prefix_ + std::string(name) + "'"; }

  const GgufFile& file_;
  std::string prefix_;
  bool plain_;
  std::uint64_t layers_ = 0;
  std::uint64_t hidden_ = 0;
  std::uint64_t head_size_ = 0;  // 0 without attention
};

Result<std::optional<std::uint64_t>> HyperparameterCheck::number(std::string_view name, std::uint64_t least,
                                                                 std::uint64_t most) const {
  HYPRSTREAM_ASSIGN(const auto value, file_.find_uint(prefix_ + std::string(name)));
  if (value && (*value < least || *value > most))
    return refuse(file_, label(name) + " is " + std::to_string(*value) + " and must be " + std::to_string(least) +
                             " to " + std::to_string(most));
  return value;
}

Result<std::vector<std::uint64_t>> HyperparameterCheck::per_layer(std::string_view name, std::uint64_t most) const {
  const std::string key = prefix_ + std::string(name);
  const GgufValue* value = file_.find(key);
  std::vector<std::uint64_t> numbers;
  if (value == nullptr) return numbers;
  if (value->type == GgufValueType::kArray) {
    const auto list = file_.find_uints(key);
    if (!list) return std::unexpected(list.error());
    numbers = **list;
    if (numbers.size() != layers_)
      return refuse(file_, label(name) + " has " + std::to_string(numbers.size()) + " numbers for " +
                               std::to_string(layers_) + " layers");
  } else {
    HYPRSTREAM_ASSIGN(const auto single, file_.find_uint(key));
    numbers.assign(layers_, single.value_or(0));
  }
  if (std::ranges::any_of(numbers, [most](std::uint64_t n) { return n > most; }))
    return refuse(file_, label(name) + " has a number that is far too large");
  return numbers;
}

Result<void> HyperparameterCheck::run() {
  HYPRSTREAM_ASSIGN(const auto layers, number("block_count", 1, kMaxLayers));
  HYPRSTREAM_ASSIGN(const auto hidden, number("embedding_length", 1, kMaxSize));
  HYPRSTREAM_ASSIGN(const auto context, number("context_length", 1, kMaxContext));
  if (!layers) return refuse(file_, label("block_count") + " is missing");
  if (!hidden) return refuse(file_, label("embedding_length") + " is missing");
  if (!context) return refuse(file_, label("context_length") + " is missing");
  layers_ = *layers;
  HYPRSTREAM_TRY(number("nextn_predict_layers", 0, layers_ - 1));
  hidden_ = *hidden;
  HYPRSTREAM_TRY(per_layer("feed_forward_length", kMaxSize));
  HYPRSTREAM_TRY(check_floats());
  HYPRSTREAM_TRY(check_heads());
  HYPRSTREAM_TRY(check_rope());
  HYPRSTREAM_TRY(check_experts());
  HYPRSTREAM_TRY(check_window());
  return check_choices();
}

Result<void> HyperparameterCheck::check_floats() const {
  for (const std::string_view key : file_.keys()) {
    const GgufValue& value = *file_.find(key);
    if (!key.starts_with(prefix_) || value.type != GgufValueType::kFloat32) continue;
    HYPRSTREAM_ASSIGN(const auto number, file_.find_float(key));
    // ggml asserts that an epsilon is not negative, which "not a number" fails too.
    if (!std::isfinite(*number) || (key.ends_with("epsilon") && *number < 0))
      return refuse(file_, "key '" + std::string(key) + "' is not a usable number");
  }
  return {};
}

Result<void> HyperparameterCheck::check_heads() {
  HYPRSTREAM_ASSIGN(const auto heads, per_layer("attention.head_count", kMaxSize));
  HYPRSTREAM_ASSIGN(auto kv_heads, per_layer("attention.head_count_kv", kMaxSize));
  HYPRSTREAM_ASSIGN(const auto key_length, number("attention.key_length", 1, kMaxSize));
  HYPRSTREAM_ASSIGN(const auto value_length, number("attention.value_length", 1, kMaxSize));
  const bool attention = std::ranges::any_of(heads, [](std::uint64_t n) { return n > 0; });
  const bool recurrent =
      file_.find(prefix_ + "ssm.state_size") != nullptr || file_.find(prefix_ + "wkv.head_size") != nullptr;
  if (!attention) {
    if (!recurrent) return refuse(file_, label("attention.head_count") + " is missing or 0");
    return {};
  }
  if (kv_heads.empty()) kv_heads = heads;
  for (std::size_t layer = 0; layer < layers_; ++layer) {
    if (kv_heads[layer] > 0 && heads[layer] % kv_heads[layer] != 0)
      return refuse(file_, label("attention.head_count") + " (" + std::to_string(heads[layer]) +
                               ") is not a multiple of " + label("attention.head_count_kv") + " (" +
                               std::to_string(kv_heads[layer]) + ")");
    if (kv_heads[layer] == 0 && heads[layer] > 0 && !recurrent)
      return refuse(file_, label("attention.head_count_kv") + " is 0");
  }
  head_size_ = key_length.value_or(hidden_ / std::max<std::uint64_t>(1, heads[0]));
  if (head_size_ == 0) return refuse(file_, label("attention.head_count") + " is larger than the embedding");
  // Most architectures assert that keys and values have the same size; latent attention does not.
  const bool may_differ = file_.find(prefix_ + "attention.kv_lora_rank") != nullptr || prefix_ == "mimo2.";
  if (!may_differ && value_length.value_or(hidden_ / std::max<std::uint64_t>(1, heads[0])) != head_size_)
    return refuse(file_, label("attention.value_length") + " differs from " + label("attention.key_length"));
  return check_query_shapes(heads);
}

// libllama compares the query matrix with the embedding only, and then takes it for heads.
Result<void> HyperparameterCheck::check_query_shapes(const std::vector<std::uint64_t>& heads) const {
  if (!plain_) return {};
  for (std::size_t layer = 0; layer < layers_; ++layer) {
    const std::string name = "blk." + std::to_string(layer) + ".attn_q.weight";
    const GgufTensor* tensor = file_.find_tensor(name);
    if (tensor != nullptr && (tensor->shape.size() != 2 || tensor->shape[1] != heads[layer] * head_size_))
      return refuse(file_, "tensor '" + name + "' does not have the shape of " + std::to_string(heads[layer]) +
                               " heads of " + std::to_string(head_size_));
  }
  return {};
}

Result<void> HyperparameterCheck::check_rope() const {
  HYPRSTREAM_ASSIGN(const auto dimensions, number("rope.dimension_count", 1, kMaxSize));
  if (head_size_ > 0 && (dimensions.value_or(head_size_) % 2 != 0 || dimensions.value_or(0) > head_size_))
    return refuse(file_, label("rope.dimension_count") + " is " + std::to_string(dimensions.value_or(head_size_)) +
                             " and must be even and at most the head size, " + std::to_string(head_size_));
  if (plain_ && dimensions && *dimensions != head_size_)
    return refuse(file_, label("rope.dimension_count") + " is not the head size, " + std::to_string(head_size_));
  HYPRSTREAM_ASSIGN(const auto scaling, file_.find_string(prefix_ + "rope.scaling.type"));
  if (scaling && *scaling != "none" && *scaling != "linear" && *scaling != "yarn" && *scaling != "longrope")
    return refuse(file_, label("rope.scaling.type") + " is none of 'none', 'linear', 'yarn' and 'longrope'");
  for (const std::string_view name : {"rope.freq_base", "rope.freq_base_swa"}) {
    HYPRSTREAM_ASSIGN(const auto base, file_.find_float(prefix_ + std::string(name)));
    if (base && *base <= 0) return refuse(file_, label(name) + " must be positive");
  }
  return {};
}

Result<void> HyperparameterCheck::check_experts() const {
  HYPRSTREAM_ASSIGN(const auto experts, number("expert_count", 0, kMaxExperts));
  HYPRSTREAM_ASSIGN(const auto used, per_layer("expert_used_count", kMaxExperts));
  const std::uint64_t count = experts.value_or(0);
  const std::uint64_t most_used = used.empty() ? 0 : std::ranges::max(used);
  if (most_used > count || (count > 0 && most_used == 0))
    return refuse(file_, label("expert_used_count") + " is " + std::to_string(most_used) + " of " +
                             std::to_string(count) + " experts");
  HYPRSTREAM_ASSIGN(const auto group_count, number("expert_group_count", 0, count == 0 ? 0 : count - 1));
  HYPRSTREAM_ASSIGN(const auto groups_used, number("expert_group_used_count", 0, kMaxExperts));
  const std::uint64_t groups = group_count.value_or(0);
  if (groups > 1 && (count % groups != 0 || groups_used.value_or(0) == 0 || groups_used.value_or(0) >= groups))
    return refuse(file_, label("expert_group_count") + " does not divide its experts");
  return {};
}

// A pattern that leaves no layer with a sliding window is an assertion where one is expected.
Result<void> HyperparameterCheck::check_window() const {
  const std::string key = prefix_ + "attention.sliding_window_pattern";
  const GgufValue* value = file_.find(key);
  if (value == nullptr) return {};
  bool none = false;
  if (value->type == GgufValueType::kArray) {
    if (value->element_type == GgufValueType::kString)
      return refuse(file_, label("attention.sliding_window_pattern") + " is a list of texts");
    none = std::ranges::all_of(value->bytes, [](std::byte byte) { return byte == std::byte{0}; });
  } else {
    HYPRSTREAM_ASSIGN(const auto period, file_.find_uint(key));
    none = period.value_or(0) == 1;
  }
  if (none) return refuse(file_, label("attention.sliding_window_pattern") + " gives no layer a window");
  return {};
}

Result<void> HyperparameterCheck::check_choices() const {
  // Numbers of libllama's enums; a context with another one aborts.
  constexpr std::uint64_t kRankPooling = 4;
  HYPRSTREAM_ASSIGN(const auto pooling, number("pooling_type", 0, kRankPooling));
  if (pooling == kRankPooling && file_.find_tensor("cls.weight") == nullptr &&
      file_.find_tensor("cls.output.weight") == nullptr)
    return refuse(file_, label("pooling_type") + " asks for a classifier, and there is none");
  HYPRSTREAM_TRY(number("expert_gating_func", 0, 4));
  return {};
}

// ---- Tensors ----

bool usable_in_matrix(TensorType type) noexcept {
  switch (type) {
    case TensorType::kQ8_1:  // intermediate results only
    case TensorType::kQ8_K:
    case TensorType::kI8:
    case TensorType::kI16:
    case TensorType::kI32:
    case TensorType::kI64:
    case TensorType::kF64: return false;
    default: return true;
  }
}

Result<void> check_tensors(const GgufFile& file) {
  for (const GgufTensor& tensor : file.tensors()) {
    const std::string name = "tensor '" + std::string(tensor.name) + "'";
    if (tensor.shape.empty() || tensor.elements == 0) return refuse(file, name + " is empty");
    const bool vector = tensor.shape.size() == 1 || tensor.name.ends_with("_norm.weight");
    if (vector ? tensor.type != TensorType::kF32 : !usable_in_matrix(tensor.type))
      return fail(ErrorCode::kUnsupported, file.path().string() + " cannot be run: " + name + " has type " +
                                               std::string(tensor_type_name(tensor.type)) +
                                               ", which cannot be used there: convert the model again");
  }
  return {};
}

Result<void> check_embedding(const GgufFile& file, std::string_view architecture) {
  const GgufTensor* tensor = file.find_tensor("token_embd.weight");
  const GgufValue* tokens = file.find("tokenizer.ggml.tokens");
  if (tensor == nullptr) return {};  // in another part, or libllama says so
  HYPRSTREAM_ASSIGN(const auto hidden, file.find_uint(std::string(architecture) + ".embedding_length"));
  if (tensor->shape.size() != 2 || tensor->shape[0] != *hidden ||
      (tokens != nullptr && tensor->shape[1] != tokens->count))
    return refuse(file, "tensor 'token_embd.weight' does not have the shape of the embedding and the vocabulary");
  return {};
}

Result<void> check_parts(const GgufFile& first) {
  if (const GgufValue* count = first.find("split.count"); count != nullptr && count->type != GgufValueType::kUint16)
    return refuse(first, "key 'split.count' is not a 16-bit number");
  HYPRSTREAM_ASSIGN(const auto paths, further_parts(first));
  for (const auto& path : paths) {
    HYPRSTREAM_ASSIGN(const GgufFile part, GgufFile::open(path));
    // libllama reads this one without looking at its type.
    const GgufValue* number = part.find("split.no");
    if (number == nullptr || number->type != GgufValueType::kUint16)
      return refuse(part, "key 'split.no' is missing or not a 16-bit number");
    HYPRSTREAM_TRY(check_tensors(part));
  }
  return {};
}

}  // namespace

Result<void> check_model_file(const GgufFile& file) {
  HYPRSTREAM_ASSIGN(const auto architecture, file.find_string("general.architecture"));
  if (!architecture || architecture->empty())
    return refuse(file, "it does not say its architecture (key general.architecture)");
  HYPRSTREAM_ASSIGN(const auto alignment, file.find_uint("general.alignment"));
  // ggml asserts that what it maps begins at a multiple of 32.
  if (alignment.value_or(32) < 32) return refuse(file, "key 'general.alignment' is below 32");
  HYPRSTREAM_TRY(check_parts(file));
  HYPRSTREAM_TRY(HyperparameterCheck(file, *architecture).run());
  HYPRSTREAM_TRY(check_vocabulary(file));
  HYPRSTREAM_TRY(check_tensors(file));
  return check_embedding(file, *architecture);
}

}  // namespace hyprstream
