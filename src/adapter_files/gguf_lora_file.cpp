#include "adapter_files/gguf_lora_file.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <format>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "adapter_files/half_float.hpp"
#include "gguf/gguf_file.hpp"
#include "gguf/gguf_writer.hpp"

namespace hyprstream {
namespace {

constexpr std::string_view kSuffixA = ".lora_a";
constexpr std::string_view kSuffixB = ".lora_b";

std::string weight_name(LinearId id) { return std::format("blk.{}.{}.weight", id.layer, gguf_linear_name(id.module)); }

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
  Result<LoraPair> read_pair(LinearId id, const TensorPair& tensors) const;
  Result<LoraFactor> factor(const GgufTensor& tensor, std::vector<float> values, std::size_t rank,
                            std::size_t width) const;

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
  if (!alpha || !std::isfinite(*alpha)) return corrupt("adapter.lora.alpha is missing or no number");
  alpha_ = *alpha;
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
    (is_a ? pair.a : pair.b) = &tensor;
  }
  if (tensors_.empty()) return corrupt("it holds no tensors");
  return {};
}

Result<LoraFactor> Reader::factor(const GgufTensor& tensor, std::vector<float> values, std::size_t rank,
                                  std::size_t width) const {
  auto made = LoraFactor::from_dense(values, rank, width);
  if (!made) return corrupt(std::format("tensor {}: {}", tensor.name, made.error().message));
  return made;
}

Result<LoraPair> Reader::read_pair(LinearId id, const TensorPair& tensors) const {
  if (tensors.a == nullptr || tensors.b == nullptr)
    return corrupt(std::format("{} has only one of lora_a and lora_b", weight_name(id)));
  const LinearShape* shape = base_.find(id);
  if (shape == nullptr)
    return fail(ErrorCode::kUnsupported, std::format("{} does not fit {}: the model has no {}", file_.path().string(),
                                                     base_.name, weight_name(id)));
  const auto& a = tensors.a->shape;
  const auto& b = tensors.b->shape;
  // ggml's order: the contiguous dimension first, so A is {in, rank} and B is {rank, out}.
  if (a.size() != 2 || b.size() != 2 || a[1] != b[0])
    return corrupt(std::format("lora_a and lora_b of {} are no [rank x in] and [out x rank]", weight_name(id)));
  if (a[0] != shape->in || b[1] != shape->out)
    return fail(ErrorCode::kUnsupported,
                std::format("{} does not fit {}: {} is [{} x {}] in this model, and the adapter was made for [{} x {}]",
                            file_.path().string(), base_.name, weight_name(id), shape->out, shape->in, b[1], a[0]));
  const std::size_t rank = a[1];
  if (rank == 0 || rank > kMaxRank)
    return corrupt(std::format("{} has rank {}, which is not from 1 to {}", weight_name(id), rank, kMaxRank));
  HYPRSTREAM_ASSIGN(auto a_values, floats_of(tensors.a->type, tensors.a->data));
  HYPRSTREAM_ASSIGN(const auto b_rows, floats_of(tensors.b->type, tensors.b->data));
  std::vector<float> b_values(b_rows.size());
  for (std::size_t o = 0; o < shape->out; ++o)
    for (std::size_t r = 0; r < rank; ++r) b_values[r * shape->out + o] = b_rows[o * rank + r];
  HYPRSTREAM_ASSIGN(auto a_factor, factor(*tensors.a, std::move(a_values), rank, shape->in));
  HYPRSTREAM_ASSIGN(auto b_factor, factor(*tensors.b, std::move(b_values), rank, shape->out));
  return LoraPair{.id = id,
                  .scaling = static_cast<float>(lora_scaling(alpha_, rank, false)),
                  .a = std::move(a_factor),
                  .b = std::move(b_factor)};
}

Result<LoraAdapter> Reader::read() {
  HYPRSTREAM_TRY(check_header());
  HYPRSTREAM_TRY(collect());
  std::vector<LoraPair> pairs;
  AdapterDescription description{.id = make_uuid(),
                                 .name = {},
                                 .base = base_,
                                 .rank = 0,
                                 .alpha = alpha_,
                                 .rank_stabilized = false,
                                 .target_modules = {},
                                 .requested_sparsity = 0};
  description.name = default_adapter_name(description.id);
  for (const auto& [key, tensors] : tensors_) {
    HYPRSTREAM_ASSIGN(auto pair, read_pair({key.first, key.second}, tensors));
    description.rank = std::max(description.rank, pair.rank());
    if (!std::ranges::contains(description.target_modules, key.second))
      description.target_modules.push_back(key.second);
    pairs.push_back(std::move(pair));
  }
  std::ranges::sort(description.target_modules);
  std::erase_if(description.base.linears,
                [&](const LinearShape& linear) { return !tensors_.contains({linear.id.layer, linear.id.module}); });
  return LoraAdapter::create(std::move(description), std::move(pairs));
}

}  // namespace

Result<void> write_gguf_lora(const LoraAdapter& adapter, const std::filesystem::path& path) {
  const auto& description = adapter.description();
  // llama.cpp scales by alpha / rank: as near as one alpha comes to the first pair's scaling.
  const auto& first = adapter.pairs().front();
  const float alpha = first.scaling * static_cast<float>(first.rank());
  GgufWriter writer;
  writer.set_string("general.type", "adapter");
  writer.set_string("general.architecture", description.base.architecture);
  writer.set_string("general.name", description.name);
  writer.set_string("adapter.type", "lora");
  writer.set_float32("adapter.lora.alpha", alpha);
  for (const auto& pair : adapter.pairs()) {
    const std::string name = weight_name(pair.id);
    HYPRSTREAM_TRY(writer.add_tensor(name + std::string(kSuffixA), std::vector<std::uint64_t>{pair.in(), pair.rank()},
                                     TensorType::kF32));
    HYPRSTREAM_TRY(writer.add_tensor(name + std::string(kSuffixB), std::vector<std::uint64_t>{pair.rank(), pair.out()},
                                     TensorType::kF32));
  }
  return writer.finish(path, [&](std::size_t index, TensorSink& sink) {
    const auto& pair = adapter.pairs()[index / 2];
    const float theirs = alpha / static_cast<float>(pair.rank());
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
