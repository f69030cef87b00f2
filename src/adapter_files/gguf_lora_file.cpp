#include "adapter_files/gguf_lora_file.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <format>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "adapter_files/dense_lora.hpp"
#include "gguf/gguf_file.hpp"
#include "gguf/gguf_writer.hpp"

namespace hyprstream {
namespace {

constexpr std::string_view kSuffixA = ".lora_a";
constexpr std::string_view kSuffixB = ".lora_b";

// B as the file has it, [out][rank], with what alpha / rank does not say of the scaling.
std::vector<float> transposed(const LoraFactor& b, float factor) {
  std::vector<float> rows(b.entries());
  for (std::size_t r = 0; r < b.rank(); ++r) {
    const auto component = b.component(r);
    for (std::size_t k = 0; k < component.values.size(); ++k)
      rows[component.indices[k] * b.rank() + r] = factor * component.values[k];
  }
  return rows;
}

// As llama.cpp scales: without alpha, by 1.
double scaling_of(double alpha, std::size_t rank) noexcept { return alpha == 0 ? 1 : lora_scaling(alpha, rank, false); }

struct TensorPair {
  const GgufTensor* a = nullptr;
  const GgufTensor* b = nullptr;
};

class Reader {
 public:
  Reader(const GgufFile& file, const BaseModel& base) : file_(file), base_(base) {}

  Result<LoraAdapter> read();

 private:
  std::unexpected<Error> corrupt(const std::string& what) const {
    return fail(ErrorCode::kCorrupt, std::format("{} is not a sound LoRA file: {}", file_.path().string(), what));
  }
  Result<void> check_header();
  Result<void> collect();
  Result<DensePair> dense_pair(LinearId id, const TensorPair& tensors) const;

  const GgufFile& file_;
  const BaseModel& base_;
  double alpha_ = 0;
  std::map<std::pair<int, LinearModule>, TensorPair> tensors_;
};

Result<void> Reader::check_header() {
  HYPRSTREAM_ASSIGN(const auto type, file_.find_string("general.type"));
  HYPRSTREAM_ASSIGN(const auto kind, file_.find_string("adapter.type"));
  if (type != "adapter" || kind != "lora")
    return corrupt("its general.type is not 'adapter', or its adapter.type not 'lora'");
  HYPRSTREAM_ASSIGN(const auto architecture, file_.find_string("general.architecture"));
  if (architecture && *architecture != base_.architecture)
    return fail(ErrorCode::kUnsupported,
                std::format("{} was made for the architecture {}, and {} is {}", file_.path().string(), *architecture,
                            base_.name, base_.architecture));
  if (file_.find("adapter.alora.invocation_tokens") != nullptr)
    return fail(
        ErrorCode::kUnsupported,
        file_.path().string() + " is an activated LoRA (adapter.alora.invocation_tokens), which is not supported");
  HYPRSTREAM_ASSIGN(const auto alpha, file_.find_float("adapter.lora.alpha"));
  if (alpha && !std::isfinite(*alpha)) return corrupt("adapter.lora.alpha is no number");
  alpha_ = alpha.value_or(0);
  return {};
}

Result<void> Reader::collect() {
  for (const auto& tensor : file_.tensors()) {
    const bool is_a = tensor.name.ends_with(kSuffixA);
    if (!is_a && !tensor.name.ends_with(kSuffixB))
      return fail(ErrorCode::kUnsupported,
                  std::format("{}: tensor {} is neither lora_a nor lora_b", file_.path().string(), tensor.name));
    const auto weight = tensor.name.substr(0, tensor.name.size() - kSuffixA.size());
    const auto id = parse_linear_weight_name(weight);
    if (!id)
      return fail(ErrorCode::kUnsupported,
                  std::format("{} acts on {}, and adapters here act on the linear layers of the blocks only",
                              file_.path().string(), weight));
    auto& pair = tensors_[{id->layer, id->module}];
    auto& place = is_a ? pair.a : pair.b;
    if (place != nullptr) return corrupt(std::format("{} and {} are one tensor twice", place->name, tensor.name));
    place = &tensor;
  }
  if (tensors_.empty()) return corrupt("it holds no tensors");
  return {};
}

Result<DensePair> Reader::dense_pair(LinearId id, const TensorPair& tensors) const {
  if (tensors.a == nullptr || tensors.b == nullptr)
    return corrupt(std::format("{} has only one of lora_a and lora_b", linear_weight_name(id)));
  const auto matrix = [](const GgufTensor& tensor) {
    // ggml's order: the contiguous dimension first, and a last one of size 1 may be left out.
    return DenseMatrix{.name = tensor.name,
                       .type = tensor.type,
                       .rows = tensor.shape.size() == 1 ? 1 : tensor.shape[1],
                       .columns = tensor.shape[0],
                       .bytes = tensor.data};
  };
  for (const auto* tensor : {tensors.a, tensors.b})
    if (tensor->shape.empty() || tensor->shape.size() > 2) return corrupt(std::format("{} is no matrix", tensor->name));
  DensePair pair{.id = id, .scaling = 0, .a = matrix(*tensors.a), .b = matrix(*tensors.b), .row_order = {}};
  pair.scaling = scaling_of(alpha_, pair.a.rows);
  return pair;
}

Result<LoraAdapter> Reader::read() {
  HYPRSTREAM_TRY(check_header());
  HYPRSTREAM_TRY(collect());
  std::vector<DensePair> pairs;
  AdapterDescription description;
  for (const auto& [key, tensors] : tensors_) {
    HYPRSTREAM_ASSIGN(auto pair, dense_pair({key.first, key.second}, tensors));
    description.rank = std::max(description.rank, pair.a.rows);
    pairs.push_back(std::move(pair));
  }
  // As llama.cpp scales a file without alpha.
  description.alpha = alpha_ == 0 ? static_cast<double>(description.rank) : alpha_;
  return make_dense_adapter(pairs, base_, std::move(description), file_.path().string());
}

// The one alpha of the file: what gives the first pair that has an effect its scaling, exactly if there is such a
// number.
float file_alpha(const LoraAdapter& adapter) {
  const auto first = std::ranges::find_if(adapter.pairs(), [](const LoraPair& pair) { return pair.scaling != 0; });
  if (first == adapter.pairs().end()) return 1;
  const auto is_exact = [&](float alpha) {
    return static_cast<float>(scaling_of(static_cast<double>(alpha), first->rank())) == first->scaling;
  };
  const auto stated = static_cast<float>(adapter.description().alpha);
  if (stated != 0 && is_exact(stated)) return stated;
  const float near = first->scaling * static_cast<float>(first->rank());
  for (const float alpha : {near, std::nextafter(near, 0.0F), std::nextafter(near, 2 * near)})
    if (is_exact(alpha)) return alpha;
  return near;
}

}  // namespace

Result<void> write_gguf_lora(const LoraAdapter& adapter, const std::filesystem::path& path) {
  const auto& description = adapter.description();
  const float alpha = file_alpha(adapter);
  GgufWriter writer;
  writer.set_string("general.type", "adapter");
  writer.set_string("general.architecture", description.base.architecture);
  writer.set_string("general.name", description.name);
  writer.set_string("adapter.type", "lora");
  writer.set_float32("adapter.lora.alpha", alpha);
  for (const auto& pair : adapter.pairs()) {
    const std::string name = linear_weight_name(pair.id);
    HYPRSTREAM_TRY(writer.add_tensor(name + std::string(kSuffixA), std::vector<std::uint64_t>{pair.in(), pair.rank()},
                                     TensorType::kF32));
    HYPRSTREAM_TRY(writer.add_tensor(name + std::string(kSuffixB), std::vector<std::uint64_t>{pair.rank(), pair.out()},
                                     TensorType::kF32));
  }
  return writer.finish(path, [&](std::size_t index, TensorSink& sink) {
    const auto& pair = adapter.pairs()[index / 2];
    const auto theirs = static_cast<float>(scaling_of(static_cast<double>(alpha), pair.rank()));
    const float rest = theirs == pair.scaling ? 1 : pair.scaling / theirs;
    const auto values = index % 2 == 0 ? pair.a.to_dense() : transposed(pair.b, rest);
    return sink.write(std::as_bytes(std::span(values)));
  });
}

Result<LoraAdapter> read_gguf_lora(const std::filesystem::path& path, const BaseModel& base) {
  HYPRSTREAM_ASSIGN(const auto file, GgufFile::open(path));
  return Reader(file, base).read();
}

}  // namespace hyprstream
