#include "training/frozen_model.hpp"

#include <cmath>
#include <cstring>
#include <format>
#include <string_view>
#include <utility>

#include "gguf/model_check.hpp"
#include "gguf/split_files.hpp"
#include "training/trainable.hpp"

namespace hyprstream {

// Reads one model. Follows llama.cpp's loader: its names of keys and tensors, and its defaults.
class FrozenModelReader {
 public:
  Result<std::unique_ptr<const FrozenModel>> read(const std::filesystem::path& path) {
    HYPRSTREAM_TRY(open_files(path));
    HYPRSTREAM_TRY(check_features());
    HYPRSTREAM_TRY(read_shape());
    HYPRSTREAM_TRY(read_positions());
    HYPRSTREAM_TRY(read_weights());
    return std::unique_ptr<const FrozenModel>(std::move(model_));
  }

 private:
  const GgufFile& first() const { return model_->files_.front(); }
  std::string where() const { return first().path().string(); }
  std::string key(std::string_view name) const { return std::format("{}.{}", architecture_, name); }

  std::unexpected<Error> unsupported(const std::string& what) const {
    return fail(ErrorCode::kUnsupported, std::format("{} cannot be trained on: {}", where(), what));
  }
  std::unexpected<Error> corrupt(const std::string& what) const {
    return fail(ErrorCode::kCorrupt, std::format("{} is damaged: {}; get the file again", where(), what));
  }

  Result<void> open_files(const std::filesystem::path& path) {
    HYPRSTREAM_ASSIGN(auto file, GgufFile::open(path));
    model_->files_.push_back(std::move(file));
    HYPRSTREAM_ASSIGN(const auto architecture, first().find_string("general.architecture"));
    architecture_ = architecture.value_or("");
    if (architecture_ != "llama" && architecture_ != "qwen2" && architecture_ != "qwen3")
      return unsupported(
          std::format("its architecture is '{}', and training knows llama, qwen2 and qwen3", architecture_));
    HYPRSTREAM_TRY(check_model_file(first()));
    HYPRSTREAM_ASSIGN(const auto rest, further_parts(first()));
    for (const auto& part : rest) {
      HYPRSTREAM_ASSIGN(auto opened, GgufFile::open(part));
      model_->files_.push_back(std::move(opened));
    }
    return {};
  }

  const GgufTensor* find_tensor(std::string_view name) const noexcept {
    for (const auto& file : model_->files_)
      if (const auto* tensor = file.find_tensor(name)) return tensor;
    return nullptr;
  }

  // What would change the result and is not computed here.
  Result<void> check_features() const {
    HYPRSTREAM_ASSIGN(const auto experts, first().find_uint(key("expert_count")));
    if (experts.value_or(0) > 0) return unsupported("it is a mixture of experts");
    HYPRSTREAM_ASSIGN(const auto causal, first().find_bool(key("attention.causal")));
    if (causal && !*causal) return unsupported("its attention is not causal");
    for (const std::string_view name : {"rope_factors_long.weight", "rope_factors_short.weight"})
      if (find_tensor(name) != nullptr) return unsupported(std::format("it has {}, positions for long texts", name));
    for (const auto& file : model_->files_)
      for (const auto& tensor : file.tensors())
        if (tensor.name.starts_with("blk.") && (tensor.name.ends_with(".scale") || tensor.name.contains("qkv")))
          return unsupported(std::format("it has {}", tensor.name));
    return {};
  }

  Result<std::size_t> number(std::string_view name, std::optional<std::size_t> otherwise = std::nullopt) const {
    const auto value = first().find_uint(key(name));
    if (!value) {
      if (first().find(key(name))->type == GgufValueType::kArray)
        return unsupported(std::format("its layers differ in {}", name));
      return std::unexpected(value.error());
    }
    if (!*value && !otherwise) return corrupt(std::format("key '{}' is missing", key(name)));
    const auto result = value->value_or(otherwise.value_or(0));
    if (result == 0 || result > (std::size_t{1} << 31))
      return corrupt(std::format("key '{}' is {}", key(name), result));
    return result;
  }

  Result<void> read_shape() {
    auto& shape = model_->shape_;
    HYPRSTREAM_ASSIGN(shape.layers, number("block_count"));
    HYPRSTREAM_ASSIGN(shape.hidden, number("embedding_length"));
    HYPRSTREAM_ASSIGN(shape.feed_forward, number("feed_forward_length"));
    HYPRSTREAM_ASSIGN(shape.heads, number("attention.head_count"));
    HYPRSTREAM_ASSIGN(shape.kv_heads, number("attention.head_count_kv", shape.heads));
    HYPRSTREAM_ASSIGN(shape.head_size,
                      number("attention.key_length", std::max<std::size_t>(1, shape.hidden / shape.heads)));
    HYPRSTREAM_ASSIGN(const auto value_size, number("attention.value_length", shape.head_size));
    HYPRSTREAM_ASSIGN(shape.context, number("context_length"));
    if (shape.heads % shape.kv_heads != 0)
      return corrupt(std::format("{} heads do not share {} key heads", shape.heads, shape.kv_heads));
    if (value_size != shape.head_size || shape.head_size % 2 != 0)
      return unsupported(std::format("its heads have {} values for {} keys", value_size, shape.head_size));
    HYPRSTREAM_ASSIGN(const auto epsilon, first().find_float(key("attention.layer_norm_rms_epsilon")));
    if (!epsilon || !(*epsilon >= 0)) return corrupt("it has no attention.layer_norm_rms_epsilon");
    shape.norm_epsilon = static_cast<float>(*epsilon);
    HYPRSTREAM_ASSIGN(const auto scale, first().find_float(key("attention.scale")));
    shape.attention_scale =
        scale.value_or(0) != 0 ? static_cast<float>(*scale) : 1 / std::sqrt(static_cast<float>(shape.head_size));
    return {};
  }

  Result<float> position_scale() const {
    HYPRSTREAM_ASSIGN(const auto type, first().find_string(key("rope.scaling.type")));
    if (type == "none") return 1.0F;
    if (type && *type != "linear") return unsupported(std::format("its positions are scaled by '{}'", *type));
    HYPRSTREAM_ASSIGN(auto factor, first().find_float(key("rope.scaling.factor")));
    if (!factor) {
      HYPRSTREAM_ASSIGN(factor, first().find_float(key("rope.scale_linear")));
    }
    return factor.value_or(0) > 0 ? static_cast<float>(1 / *factor) : 1.0F;
  }

  Result<void> read_positions() {
    auto& positions = model_->positions_;
    const auto& shape = model_->shape_;
    positions.is_interleaved = architecture_ == "llama";
    HYPRSTREAM_ASSIGN(const auto rotated, number("rope.dimension_count", shape.head_size));
    if (rotated % 2 != 0 || rotated > shape.head_size)
      return corrupt(std::format("{} of {} features of a head are rotated", rotated, shape.head_size));
    HYPRSTREAM_ASSIGN(const auto base, first().find_float(key("rope.freq_base")));
    HYPRSTREAM_ASSIGN(const float scale, position_scale());
    positions.frequencies.resize(rotated / 2);
    const double ratio = std::pow(base.value_or(10000), -2.0 / static_cast<double>(rotated));
    for (std::size_t i = 0; i < positions.frequencies.size(); ++i)
      positions.frequencies[i] = static_cast<float>(std::pow(ratio, static_cast<double>(i))) * scale;
    if (find_tensor("rope_freqs.weight") != nullptr) {
      HYPRSTREAM_ASSIGN(const auto factors, read_vector("rope_freqs.weight", rotated / 2));
      for (std::size_t i = 0; i < factors.size(); ++i) positions.frequencies[i] /= factors[i];
    }
    return {};
  }

  Result<FrozenWeight> read_matrix(const std::string& name, std::size_t in, std::size_t out) const {
    const auto* tensor = find_tensor(name);
    if (tensor == nullptr) return corrupt(std::format("tensor '{}' is missing", name));
    HYPRSTREAM_ASSIGN(const auto weight, FrozenWeight::create(*tensor));
    if (weight.in() != in || weight.out() != out)
      return corrupt(
          std::format("tensor '{}' is [{} x {}], and not [{} x {}]", name, weight.out(), weight.in(), out, in));
    return weight;
  }

  Result<std::vector<float>> read_vector(const std::string& name, std::size_t size) const {
    HYPRSTREAM_ASSIGN(const auto row, read_matrix(name, size, 1));
    std::vector<float> values(size);
    row.read_row(0, values);
    return values;
  }

  Result<std::vector<float>> read_optional(const std::string& name, std::size_t size) const {
    if (find_tensor(name) == nullptr) return std::vector<float>();
    return read_vector(name, size);
  }

  Result<void> read_layer(std::size_t index) {
    const auto& shape = model_->shape_;
    FrozenLayer layer;
    const auto prefix = std::format("blk.{}.", index);
    HYPRSTREAM_ASSIGN(layer.attention_norm, read_vector(prefix + "attn_norm.weight", shape.hidden));
    HYPRSTREAM_ASSIGN(layer.feed_forward_norm, read_vector(prefix + "ffn_norm.weight", shape.hidden));
    if (architecture_ == "qwen3") {
      HYPRSTREAM_ASSIGN(layer.query_norm, read_vector(prefix + "attn_q_norm.weight", shape.head_size));
      HYPRSTREAM_ASSIGN(layer.key_norm, read_vector(prefix + "attn_k_norm.weight", shape.head_size));
    }
    for (std::size_t m = 0; m < kLinearModuleCount; ++m) {
      const auto module = static_cast<LinearModule>(m);
      const auto [in, out] = linear_shape(shape, module);
      const auto name = prefix + std::string(gguf_linear_name(module));
      HYPRSTREAM_ASSIGN(layer.linears[m].weight, read_matrix(name + ".weight", in, out));
      HYPRSTREAM_ASSIGN(layer.linears[m].bias, read_optional(name + ".bias", out));
    }
    model_->layers_.push_back(std::move(layer));
    return {};
  }

  static std::pair<std::size_t, std::size_t> linear_shape(const TransformerShape& shape, LinearModule module) noexcept {
    switch (module) {
      case LinearModule::kQ: return {shape.hidden, shape.queries()};
      case LinearModule::kK:
      case LinearModule::kV: return {shape.hidden, shape.keys()};
      case LinearModule::kO: return {shape.queries(), shape.hidden};
      case LinearModule::kGate:
      case LinearModule::kUp: return {shape.hidden, shape.feed_forward};
      case LinearModule::kDown: break;
    }
    return {shape.feed_forward, shape.hidden};
  }

  Result<void> read_weights() {
    auto& shape = model_->shape_;
    const auto* embedding = find_tensor("token_embd.weight");
    if (embedding == nullptr || embedding->shape.size() != 2) return corrupt("it has no matrix token_embd.weight");
    shape.vocabulary = embedding->shape[1];
    HYPRSTREAM_ASSIGN(model_->embedding_, read_matrix("token_embd.weight", shape.hidden, shape.vocabulary));
    const bool is_tied = find_tensor("output.weight") == nullptr;
    HYPRSTREAM_ASSIGN(model_->output_,
                      read_matrix(is_tied ? "token_embd.weight" : "output.weight", shape.hidden, shape.vocabulary));
    if (find_tensor("output.bias") != nullptr) return unsupported("its output has a bias");
    HYPRSTREAM_ASSIGN(model_->output_norm_, read_vector("output_norm.weight", shape.hidden));
    for (std::size_t layer = 0; layer < shape.layers; ++layer) HYPRSTREAM_TRY(read_layer(layer));
    return {};
  }

  std::unique_ptr<FrozenModel> model_{new FrozenModel};
  std::string architecture_;
};

Result<std::unique_ptr<const FrozenModel>> FrozenModel::open(const std::filesystem::path& path) {
  return FrozenModelReader().read(path);
}

Result<void> check_trainable(const std::filesystem::path& model) {
  HYPRSTREAM_TRY(FrozenModel::open(model));
  return {};
}

}  // namespace hyprstream
