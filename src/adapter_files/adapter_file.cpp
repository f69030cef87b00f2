#include "adapter_files/adapter_file.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <format>
#include <limits>
#include <ranges>
#include <utility>
#include <vector>

#include "gguf/gguf_writer.hpp"

namespace hyprstream {
namespace {

constexpr std::string_view kType = "hyprstream";
constexpr std::uint32_t kFormatVersion = 1;
constexpr std::string_view kLowRank = "low-rank";

constexpr std::string_view kPrefix = "hyprstream.adapter.";
std::string key(std::string_view name) { return std::string(kPrefix) + std::string(name); }

// A row of the tensor "pairs".
struct PairRow {
  std::int32_t layer;
  std::int32_t module;  // the number of LinearModule
  std::int32_t in;
  std::int32_t out;
  std::int32_t rank;
};
constexpr std::size_t kPairColumns = sizeof(PairRow) / sizeof(std::int32_t);

std::vector<PairRow> rows_of(const LoraAdapter& adapter) {
  std::vector<PairRow> rows;
  for (const auto& pair : adapter.pairs())
    rows.push_back({pair.id.layer, static_cast<std::int32_t>(pair.id.module), static_cast<std::int32_t>(pair.in()),
                    static_cast<std::int32_t>(pair.out()), static_cast<std::int32_t>(pair.rank())});
  return rows;
}

void set_metadata(GgufWriter& writer, const AdapterDescription& description) {
  writer.set_string("general.type", "adapter");
  writer.set_string("general.architecture", description.base.architecture);
  writer.set_string("general.name", description.name);
  writer.set_string("adapter.type", kType);
  writer.set_uint32(key("format_version"), kFormatVersion);
  writer.set_string(key("kind"), kLowRank);
  writer.set_string(key("id"), description.id);
  writer.set_uint32(key("rank"), static_cast<std::uint32_t>(description.rank));
  writer.set_float64(key("alpha"), description.alpha);
  writer.set_bool(key("rslora"), description.rank_stabilized);
  writer.set_string(key("target_modules"), format_target_modules(description.target_modules));
  writer.set_float64(key("sparsity"), description.requested_sparsity);
  writer.set_string(key("base.name"), description.base.name);
  writer.set_string(key("base.header_sha256"), description.base.header_sha256);
  writer.set_uint32(key("base.heads"), static_cast<std::uint32_t>(description.base.heads));
  writer.set_uint32(key("base.kv_heads"), static_cast<std::uint32_t>(description.base.kv_heads));
}

class Reader {
 public:
  explicit Reader(std::shared_ptr<const GgufFile> file) : file_(std::move(file)) {}

  Result<LoraAdapter> read();

 private:
  std::unexpected<Error> corrupt(const std::string& what) const {
    return fail(ErrorCode::kCorrupt, std::format("{} is not a sound adapter: {}", file_->path().string(), what));
  }
  Result<void> check_kind() const;
  Result<AdapterDescription> description() const;
  Result<std::string> text(std::string_view name) const;
  Result<std::uint64_t> number(std::string_view name, std::uint64_t most) const;
  Result<double> real(std::string_view name) const;

  // The elements of a tensor in the mapped file; none if it is missing.
  template <typename T>
  Result<std::span<const T>> array(std::string_view name, TensorType type) const;
  Result<std::vector<LoraPair>> pairs() const;
  Result<LoraPair> read_pair(const PairRow& row, float scaling) const;
  // `matrix`, 'A' or 'B', and `id` are for messages.
  Result<LoraFactor> next_factor(char matrix, LinearId id, std::size_t rank, std::size_t width) const;

  std::shared_ptr<const GgufFile> file_;
  // What is left of the three arrays.
  mutable std::span<const std::uint32_t> offsets_;
  mutable std::span<const std::uint16_t> indices_;
  mutable std::span<const float> values_;
};

Result<void> Reader::check_kind() const {
  if (!is_adapter_file(*file_)) return corrupt("its adapter.type is not 'hyprstream'");
  HYPRSTREAM_ASSIGN(const auto version, number("format_version", std::numeric_limits<std::uint32_t>::max()));
  if (version != kFormatVersion)
    return fail(ErrorCode::kUnsupported,
                std::format("{} has format version {}, and this program reads version {}: use a newer hyprstream",
                            file_->path().string(), version, kFormatVersion));
  HYPRSTREAM_ASSIGN(const auto kind, text("kind"));
  if (kind != kLowRank)
    return fail(ErrorCode::kUnsupported, std::format("{} is an adapter of the kind '{}', and this program knows '{}'",
                                                     file_->path().string(), kind, kLowRank));
  return {};
}

Result<std::string> Reader::text(std::string_view name) const {
  HYPRSTREAM_ASSIGN(const auto value, file_->find_string(key(name)));
  if (!value) return corrupt(std::format("the key {} is missing", key(name)));
  return std::string(*value);
}

Result<std::uint64_t> Reader::number(std::string_view name, std::uint64_t most) const {
  HYPRSTREAM_ASSIGN(const auto value, file_->find_uint(key(name)));
  if (!value || *value > most) return corrupt(std::format("the key {} is missing or above {}", key(name), most));
  return *value;
}

Result<double> Reader::real(std::string_view name) const {
  HYPRSTREAM_ASSIGN(const auto value, file_->find_float(key(name)));
  if (!value || !std::isfinite(*value)) return corrupt(std::format("the key {} is missing or no number", key(name)));
  return *value;
}

Result<AdapterDescription> Reader::description() const {
  AdapterDescription description;
  HYPRSTREAM_ASSIGN(const auto name, file_->find_string("general.name"));
  HYPRSTREAM_ASSIGN(const auto architecture, file_->find_string("general.architecture"));
  if (!name || !architecture) return corrupt("it has no name or no architecture");
  description.name = *name;
  description.base.architecture = *architecture;
  HYPRSTREAM_ASSIGN(description.id, text("id"));
  if (!is_uuid(description.id)) return corrupt("its id is no UUID");
  HYPRSTREAM_ASSIGN(description.rank, number("rank", kMaxRank));
  if (description.rank == 0) return corrupt("its rank is 0");
  HYPRSTREAM_ASSIGN(description.alpha, real("alpha"));
  HYPRSTREAM_ASSIGN(const auto rslora, file_->find_bool(key("rslora")));
  description.rank_stabilized = rslora.value_or(false);
  HYPRSTREAM_ASSIGN(const auto modules, text("target_modules"));
  for (const auto part : std::views::split(modules, ',')) {
    const auto module = parse_linear_module(std::string_view(part.begin(), part.end()));
    if (!module) return corrupt(std::format("'{}' is no target module", std::string_view(part.begin(), part.end())));
    description.target_modules.push_back(*module);
  }
  HYPRSTREAM_ASSIGN(description.requested_sparsity, real("sparsity"));
  if (description.requested_sparsity < 0 || description.requested_sparsity >= 1)
    return corrupt(std::format("its sparsity of {} is outside [0, 1)", description.requested_sparsity));
  HYPRSTREAM_ASSIGN(description.base.name, text("base.name"));
  HYPRSTREAM_ASSIGN(description.base.header_sha256, text("base.header_sha256"));
  HYPRSTREAM_ASSIGN(description.base.heads, number("base.heads", std::numeric_limits<std::uint32_t>::max()));
  HYPRSTREAM_ASSIGN(description.base.kv_heads, number("base.kv_heads", std::numeric_limits<std::uint32_t>::max()));
  return description;
}

template <typename T>
Result<std::span<const T>> Reader::array(std::string_view name, TensorType type) const {
  const GgufTensor* tensor = file_->find_tensor(name);
  if (tensor == nullptr) return std::span<const T>();
  if (tensor->type != type) return corrupt(std::format("the tensor {} is not {}", name, tensor_type_name(type)));
  const auto* data = tensor->data.data();
  if (reinterpret_cast<std::uintptr_t>(data) % alignof(T) != 0)
    return corrupt(std::format("the tensor {} is not aligned", name));
  return std::span(reinterpret_cast<const T*>(data), tensor->data.size() / sizeof(T));
}

Result<LoraFactor> Reader::next_factor(char matrix, LinearId id, std::size_t rank, std::size_t width) const {
  const auto wrong = [&](std::string_view what) {
    return corrupt(std::format("{} of {}: {}", matrix, linear_weight_name(id), what));
  };
  if (rank >= offsets_.size()) return wrong("there are too few offsets");
  const auto offsets = offsets_.first(rank + 1);
  const std::size_t count = offsets.back();
  if (count > values_.size() || count > indices_.size()) return wrong("there are too few values");
  auto factor = LoraFactor::from_arrays(width, offsets, indices_.first(count), values_.first(count), file_);
  if (!factor) return wrong(factor.error().message);
  offsets_ = offsets_.subspan(rank + 1);
  indices_ = indices_.subspan(count);
  values_ = values_.subspan(count);
  return factor;
}

Result<LoraPair> Reader::read_pair(const PairRow& row, float scaling) const {
  constexpr auto kModules = static_cast<std::int32_t>(kLinearModuleCount);
  constexpr auto kWidest = static_cast<std::int32_t>(kMaxLayerWidth);
  constexpr auto kMost = static_cast<std::int32_t>(kMaxRank);
  if (row.layer < 0 || row.layer > std::numeric_limits<std::uint16_t>::max() || row.module < 0 ||
      row.module >= kModules)
    return corrupt(std::format("module {} of layer {} does not exist", row.module, row.layer));
  if (row.in < 1 || row.in > kWidest || row.out < 1 || row.out > kWidest || row.rank < 1 || row.rank > kMost)
    return corrupt(std::format("a [{} x {}] weight with rank {} is not possible", row.out, row.in, row.rank));
  const LinearId id{row.layer, static_cast<LinearModule>(row.module)};
  if (!std::isfinite(scaling)) return corrupt(std::format("the scaling of {} is {}", linear_weight_name(id), scaling));
  const auto rank = static_cast<std::size_t>(row.rank);
  HYPRSTREAM_ASSIGN(auto a, next_factor('A', id, rank, static_cast<std::size_t>(row.in)));
  HYPRSTREAM_ASSIGN(auto b, next_factor('B', id, rank, static_cast<std::size_t>(row.out)));
  return LoraPair{.id = id, .scaling = scaling, .a = std::move(a), .b = std::move(b)};
}

Result<std::vector<LoraPair>> Reader::pairs() const {
  HYPRSTREAM_ASSIGN(const auto rows, array<PairRow>("pairs", TensorType::kI32));
  HYPRSTREAM_ASSIGN(const auto scalings, array<float>("scalings", TensorType::kF32));
  HYPRSTREAM_ASSIGN(offsets_, array<std::uint32_t>("offsets", TensorType::kI32));
  HYPRSTREAM_ASSIGN(indices_, array<std::uint16_t>("indices", TensorType::kI16));
  HYPRSTREAM_ASSIGN(values_, array<float>("values", TensorType::kF32));
  const auto* table = file_->find_tensor("pairs");
  if (table == nullptr || table->shape.size() != 2 || table->shape[0] != kPairColumns || rows.size() != scalings.size())
    return corrupt("its tables 'pairs' and 'scalings' are missing or do not belong together");
  std::vector<LoraPair> pairs;
  pairs.reserve(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    HYPRSTREAM_ASSIGN(auto pair, read_pair(rows[i], scalings[i]));
    const auto before = i == 0 ? std::pair(-1, 0) : std::pair(rows[i - 1].layer, rows[i - 1].module);
    if (std::pair(rows[i].layer, rows[i].module) <= before)
      return corrupt(std::format("{} is not in its place in the table", linear_weight_name(pair.id)));
    pairs.push_back(std::move(pair));
  }
  if (!offsets_.empty() || !indices_.empty() || !values_.empty())
    return corrupt("it has more values than its table says");
  return pairs;
}

Result<LoraAdapter> Reader::read() {
  HYPRSTREAM_TRY(check_kind());
  HYPRSTREAM_ASSIGN(auto described, description());
  HYPRSTREAM_ASSIGN(auto read, pairs());
  for (const auto& pair : read) described.base.linears.push_back({.id = pair.id, .in = pair.in(), .out = pair.out()});
  auto adapter = LoraAdapter::create(std::move(described), std::move(read));
  if (!adapter) return corrupt(adapter.error().message);
  return adapter;
}

template <typename T>
Result<void> write_all(TensorSink& sink, std::span<const T> values) {
  return sink.write(std::as_bytes(values));
}

}  // namespace

bool is_adapter_file(const GgufFile& file) {
  const auto type = file.find_string("adapter.type");
  return type && *type == kType;
}

Result<void> write_adapter_file(const LoraAdapter& adapter, const std::filesystem::path& path) {
  enum Tensor : std::uint8_t { kPairs, kScalings, kOffsets, kIndices, kValues };
  const auto rows = rows_of(adapter);
  std::vector<float> scalings;
  std::vector<const LoraFactor*> factors;
  std::uint64_t offsets = 0;
  for (const auto& pair : adapter.pairs()) {
    scalings.push_back(pair.scaling);
    factors.insert(factors.end(), {&pair.a, &pair.b});
    offsets += 2 * (pair.rank() + 1);
  }
  GgufWriter writer;
  set_metadata(writer, adapter.description());
  HYPRSTREAM_TRY(writer.add_tensor("pairs", std::array<std::uint64_t, 2>{kPairColumns, rows.size()}, TensorType::kI32));
  HYPRSTREAM_TRY(writer.add_tensor("scalings", std::array<std::uint64_t, 1>{rows.size()}, TensorType::kF32));
  HYPRSTREAM_TRY(writer.add_tensor("offsets", std::array<std::uint64_t, 1>{offsets}, TensorType::kI32));
  if (adapter.nnz() > 0) {  // a GGUF has no empty tensors
    HYPRSTREAM_TRY(writer.add_tensor("indices", std::array<std::uint64_t, 1>{adapter.nnz()}, TensorType::kI16));
    HYPRSTREAM_TRY(writer.add_tensor("values", std::array<std::uint64_t, 1>{adapter.nnz()}, TensorType::kF32));
  }
  return writer.finish(path, [&](std::size_t index, TensorSink& sink) -> Result<void> {
    if (index == kPairs) return write_all(sink, std::span(rows));
    if (index == kScalings) return write_all(sink, std::span<const float>(scalings));
    for (const auto* factor : factors) {
      if (index == kOffsets) HYPRSTREAM_TRY(write_all(sink, factor->offsets()));
      if (index == kIndices) HYPRSTREAM_TRY(write_all(sink, factor->indices()));
      if (index == kValues) HYPRSTREAM_TRY(write_all(sink, factor->values()));
    }
    return {};
  });
}

Result<LoraAdapter> read_adapter_file(const std::filesystem::path& path) {
  HYPRSTREAM_ASSIGN(auto file, GgufFile::open(path));
  return Reader(std::make_shared<const GgufFile>(std::move(file))).read();
}

}  // namespace hyprstream
