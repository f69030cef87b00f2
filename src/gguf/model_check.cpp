#include "gguf/model_check.hpp"

#include <algorithm>
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
constexpr std::uint64_t kMaxExperts = 512;
// Beyond any model there is; keeps every product of two of them within 64 bits.
constexpr std::uint64_t kMaxSize = std::uint64_t{1} << 24;
constexpr std::uint64_t kMaxContext = std::uint64_t{1} << 30;

std::unexpected<Error> refuse(const GgufFile& file, const std::string& what) {
  return fail(ErrorCode::kCorrupt, file.path().string() + " cannot be run: " + what + "; get the file again");
}

// ---- Hyperparameters ----

// The architecture's keys, by their name after "<architecture>.".
class HyperparameterCheck {
 public:
  HyperparameterCheck(const GgufFile& file, std::string_view architecture)
      : file_(file), prefix_(std::string(architecture) + ".") {}

  Result<void> run();

 private:
  Result<void> check_floats() const;
  Result<void> check_heads();
  Result<void> check_rope() const;
  Result<void> check_experts() const;
  Result<void> check_choices() const;

  // A number from `least` to `most`; nothing if the key is missing.
  Result<std::optional<std::uint64_t>> number(std::string_view name, std::uint64_t least, std::uint64_t most) const;
  // One number per layer, from a single one or a list; empty if the key is missing.
  Result<std::vector<std::uint64_t>> per_layer(std::string_view name, std::uint64_t most) const;
  std::string label(std::string_view name) const { return "key '" + prefix_ + std::string(name) + "'"; }

  const GgufFile& file_;
  std::string prefix_;
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
  hidden_ = *hidden;
  HYPRSTREAM_TRY(per_layer("feed_forward_length", kMaxSize));
  HYPRSTREAM_TRY(check_floats());
  HYPRSTREAM_TRY(check_heads());
  HYPRSTREAM_TRY(check_rope());
  HYPRSTREAM_TRY(check_experts());
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
  HYPRSTREAM_TRY(number("attention.value_length", 1, kMaxSize));
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
  return {};
}

Result<void> HyperparameterCheck::check_rope() const {
  HYPRSTREAM_ASSIGN(const auto dimensions, number("rope.dimension_count", 1, kMaxSize));
  if (head_size_ > 0 && (dimensions.value_or(head_size_) % 2 != 0 || dimensions.value_or(0) > head_size_))
    return refuse(file_, label("rope.dimension_count") + " is " + std::to_string(dimensions.value_or(head_size_)) +
                             " and must be even and at most the head size, " + std::to_string(head_size_));
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
  HYPRSTREAM_ASSIGN(const auto used, number("expert_used_count", 0, kMaxExperts));
  const std::uint64_t count = experts.value_or(0);
  const std::uint64_t count_used = used.value_or(0);
  if (count_used > count || (count > 0 && count_used == 0))
    return refuse(file_, label("expert_used_count") + " is " + std::to_string(count_used) + " of " +
                             std::to_string(count) + " experts");
  HYPRSTREAM_ASSIGN(const auto groups, number("expert_group_count", 0, kMaxExperts));
  HYPRSTREAM_ASSIGN(const auto groups_used, number("expert_group_used_count", 0, kMaxExperts));
  if (groups_used.value_or(0) > groups.value_or(0) || (groups.value_or(0) > 0 && count % *groups != 0))
    return refuse(file_, label("expert_group_count") + " does not divide its experts");
  return {};
}

Result<void> HyperparameterCheck::check_choices() const {
  // Numbers of libllama's enums; a context with another one aborts.
  HYPRSTREAM_TRY(number("pooling_type", 0, 4));
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
  HYPRSTREAM_TRY(check_parts(file));
  HYPRSTREAM_TRY(HyperparameterCheck(file, *architecture).run());
  HYPRSTREAM_TRY(check_vocabulary(file));
  HYPRSTREAM_TRY(check_tensors(file));
  return check_embedding(file, *architecture);
}

}  // namespace hyprstream
