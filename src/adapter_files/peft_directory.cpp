#include "adapter_files/peft_directory.hpp"

#include <algorithm>
#include <charconv>
#include <format>
#include <map>
#include <optional>
#include <utility>

#include "adapter_files/dense_lora.hpp"
#include "adapter_files/peft_config.hpp"
#include "adapter_files/rope_rows.hpp"
#include "adapter_files/safetensors.hpp"
#include "base/atomic_file.hpp"
#include "base/mapped_file.hpp"

namespace hyprstream {
namespace {

constexpr std::string_view kPrefix = "base_model.model.";
// What an adapter of this program could need, many times over.
constexpr std::size_t kMaxConfigBytes = std::size_t{1} << 20;

struct TensorName {
  LinearId id;
  bool is_a = false;
};

// "base_model.model.model.layers.3.self_attn.q_proj.lora_A.weight", without the prefix too, and with the adapter's name
// before ".weight" as an unsaved one has it; nothing for any other tensor.
std::optional<TensorName> parse_tensor_name(std::string_view name) {
  constexpr std::string_view kLayers = "layers.";
  const auto skip = [&](std::string_view part) {
    const bool is_there = name.starts_with(part);
    if (is_there) name.remove_prefix(part.size());
    return is_there;
  };
  skip(kPrefix);
  skip("model.");
  if (!skip(kLayers)) return std::nullopt;
  int layer = 0;
  const auto [rest, error] = std::from_chars(name.begin(), name.end(), layer);
  if (error != std::errc() || layer < 0) return std::nullopt;
  name.remove_prefix(static_cast<std::size_t>(rest - name.begin()));
  for (std::size_t i = 0; i < kLinearModuleCount; ++i) {
    const LinearId id{layer, static_cast<LinearModule>(i)};
    const auto module = peft_module_name({0, id.module});
    if (!skip(module.substr(std::string_view("model.layers.0").size()))) continue;
    const bool is_a = skip(".lora_A");
    if ((!is_a && !skip(".lora_B")) || !name.ends_with(".weight")) return std::nullopt;
    // What is left of ".default.weight" or ".weight".
    const auto adapter = name.substr(0, name.size() - std::string_view(".weight").size());
    if (!adapter.empty() && (adapter.front() != '.' || adapter.find('.', 1) != std::string_view::npos))
      return std::nullopt;
    return TensorName{.id = id, .is_a = is_a};
  }
  return std::nullopt;
}

struct TensorPair {
  const SafeTensor* a = nullptr;
  const SafeTensor* b = nullptr;
};
using Tensors = std::map<std::pair<int, LinearModule>, TensorPair>;

Result<Tensors> collect(const SafetensorsFile& file) {
  Tensors tensors;
  for (const auto& tensor : file.tensors()) {
    const auto name = parse_tensor_name(tensor.name);
    if (!name)
      return fail(
          ErrorCode::kUnsupported,
          std::format("{}: {:.200} is not supported: adapters here are lora_A and lora_B of the linear layers of "
                      "the blocks",
                      file.path().string(), tensor.name));
    auto& pair = tensors[{name->id.layer, name->id.module}];
    auto& place = name->is_a ? pair.a : pair.b;
    if (place != nullptr)
      return fail(ErrorCode::kCorrupt,
                  std::format("{}: {} and {} are one tensor twice", file.path().string(), place->name, tensor.name));
    place = &tensor;
  }
  if (tensors.empty()) return fail(ErrorCode::kCorrupt, file.path().string() + " holds no tensors");
  return tensors;
}

Result<DenseMatrix> matrix(const SafeTensor& tensor, std::string_view file) {
  const auto type = tensor.float_type();
  if (!type)
    return fail(ErrorCode::kUnsupported,
                std::format("{}: {} is {}, and F32, F16 and BF16 are supported", file, tensor.name, tensor.dtype));
  if (tensor.shape.size() != 2)
    return fail(ErrorCode::kCorrupt,
                std::format("{}: {} has {} dimensions and not 2", file, tensor.name, tensor.shape.size()));
  return DenseMatrix{
      .name = tensor.name, .type = *type, .rows = tensor.shape[0], .columns = tensor.shape[1], .bytes = tensor.bytes};
}

Result<DensePair> dense_pair(LinearId id, const TensorPair& tensors, const PeftConfig& config, const BaseModel& base,
                             std::string_view file) {
  const auto module = peft_module_name(id);
  if (tensors.a == nullptr || tensors.b == nullptr)
    return fail(ErrorCode::kCorrupt, std::format("{}: {} has only one of lora_A and lora_B", file, module));
  if (!config.targets(module, id.layer))
    return fail(ErrorCode::kCorrupt, std::format("{} holds {}, which is not among the target_modules and "
                                                 "layers_to_transform of its adapter_config.json",
                                                 file, tensors.a->name));
  HYPRSTREAM_ASSIGN(const auto a, matrix(*tensors.a, file));
  HYPRSTREAM_ASSIGN(const auto b, matrix(*tensors.b, file));
  const std::size_t rank = config.rank_of(module);
  if (a.rows != rank)
    return fail(ErrorCode::kCorrupt,
                std::format("{}: {} has rank {}, and adapter_config.json says {}", file, a.name, a.rows, rank));
  DensePair pair{.id = id,
                 .scaling = lora_scaling(config.alpha_of(module), rank, config.rank_stabilized),
                 .a = a,
                 .b = b,
                 .row_order = {}};
  // Of a layer that does not fit, make_dense_adapter() says how.
  if (const auto* shape = base.find(id); shape != nullptr && shape->out == b.rows) {
    auto order = rope_row_order(base, id, b.rows);
    if (!order) return fail(order.error().code, std::format("{}: {}", file, order.error().message));
    pair.row_order = std::move(*order);
  }
  return pair;
}

// B as PyTorch has it, [out][rank], its rows as the checkpoint's.
Result<std::vector<float>> dense_b(const LoraPair& pair, const BaseModel& base) {
  HYPRSTREAM_ASSIGN(const auto order, rope_row_order(base, pair.id, pair.out()));
  const auto components = pair.b.to_dense();
  std::vector<float> rows(components.size());
  for (std::size_t o = 0; o < pair.out(); ++o)
    for (std::size_t r = 0; r < pair.rank(); ++r)
      rows[o * pair.rank() + r] = components[r * pair.out() + (order.empty() ? o : order[o])];
  return rows;
}

Result<void> write_files(const LoraAdapter& adapter, const std::filesystem::path& directory) {
  const auto& base = adapter.description().base;
  std::vector<SafeTensorPlan> tensors;
  for (const auto& pair : adapter.pairs()) {
    HYPRSTREAM_TRY(rope_row_order(base, pair.id, pair.out()));  // before anything is written
    const auto name = std::string(kPrefix) + peft_module_name(pair.id);
    tensors.push_back({.name = name + ".lora_A.weight", .shape = {pair.rank(), pair.in()}});
    tensors.push_back({.name = name + ".lora_B.weight", .shape = {pair.out(), pair.rank()}});
  }
  HYPRSTREAM_TRY(write_safetensors(directory / kPeftWeights, tensors, [&](std::size_t index) {
    const auto& pair = adapter.pairs()[index / 2];
    return index % 2 == 0 ? pair.a.to_dense() : dense_b(pair, base).value_or(std::vector<float>());
  }));
  return write_whole_file(directory / kPeftConfig, format_peft_config(adapter));
}

}  // namespace

Result<void> write_peft_directory(const LoraAdapter& adapter, const std::filesystem::path& directory) {
  std::error_code error;
  const bool is_there = std::filesystem::exists(directory, error);
  if (is_there && !(std::filesystem::is_directory(directory, error) && std::filesystem::is_empty(directory, error)))
    return fail(ErrorCode::kAlreadyExists,
                directory.string() + " is there already and not an empty directory: choose another name");
  if (!is_there && !std::filesystem::create_directory(directory, error))
    return fail_errno("cannot make " + directory.string(), error.value());
  auto written = write_files(adapter, directory);
  if (!written) {
    std::filesystem::remove(directory / kPeftWeights, error);
    if (!is_there) std::filesystem::remove(directory, error);
  }
  return written;
}

Result<LoraAdapter> read_peft_files(const std::filesystem::path& config_path, const std::filesystem::path& weights_path,
                                    const BaseModel& base) {
  HYPRSTREAM_ASSIGN(const auto text, MappedFile::open(config_path));
  if (text.bytes().size() > kMaxConfigBytes)
    return fail(ErrorCode::kCorrupt, std::format("{} has {} bytes, which no adapter's configuration needs",
                                                 config_path.string(), text.bytes().size()));
  HYPRSTREAM_ASSIGN(const auto config, parse_peft_config(text.text(), config_path.string()));
  HYPRSTREAM_ASSIGN(const auto file, SafetensorsFile::open(weights_path));
  HYPRSTREAM_ASSIGN(const auto tensors, collect(file));
  std::vector<DensePair> pairs;
  for (const auto& [key, pair] : tensors) {
    HYPRSTREAM_ASSIGN(auto dense, dense_pair({key.first, key.second}, pair, config, base, weights_path.string()));
    pairs.push_back(std::move(dense));
  }
  AdapterDescription description;
  description.rank = config.rank;
  description.alpha = config.alpha;
  description.rank_stabilized = config.rank_stabilized;
  return make_dense_adapter(pairs, base, std::move(description), weights_path.string());
}

Result<LoraAdapter> read_peft_directory(const std::filesystem::path& directory, const BaseModel& base) {
  return read_peft_files(directory / kPeftConfig, directory / kPeftWeights, base);
}

}  // namespace hyprstream
