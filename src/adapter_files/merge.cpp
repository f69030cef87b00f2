#include "adapter_files/merge.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <format>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "adapter/base_model.hpp"
#include "adapter/weight_delta.hpp"
#include "adapter_files/merged_rows.hpp"
#include "gguf/gguf_file.hpp"
#include "gguf/gguf_writer.hpp"
#include "gguf/split_files.hpp"
#include "runtime/quantization.hpp"

namespace hyprstream {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{16} << 20;  // of a tensor, between two reports of progress

constexpr std::string_view kBaseNameKey = "hyprstream.merge.base.name";
constexpr std::string_view kBaseHashKey = "hyprstream.merge.base.header_sha256";
constexpr std::string_view kAdaptersKey = "hyprstream.merge.adapters";
constexpr std::string_view kFileTypeKey = "general.file_type";
constexpr std::string_view kQuantizationKey = "general.quantization_version";

// One tensor of the output.
struct PlannedTensor {
  const GgufTensor* tensor = nullptr;
  TensorType type = TensorType::kF32;
  std::vector<ScaledPair> pairs;  // none: copied as it is
};

class Merge {
 public:
  Merge(std::span<const WeightedAdapter> adapters, const MergeOptions& options, const MergeProgress& progress) noexcept
      : adapters_(adapters), options_(options), progress_(progress) {}

  Result<void> run(const std::filesystem::path& base, const std::filesystem::path& output);

 private:
  Result<void> open(const std::filesystem::path& base, const std::filesystem::path& output);
  Result<void> plan(const GgufTensor& tensor);
  void add_metadata();
  Result<void> write_tensor(const PlannedTensor& planned, TensorSink& sink);
  Result<void> advance(const GgufTensor& tensor, double share);

  std::span<const WeightedAdapter> adapters_;
  const MergeOptions& options_;
  const MergeProgress& progress_;
  std::vector<GgufFile> parts_;
  BaseModel base_;
  std::vector<PlannedTensor> tensors_;
  GgufWriter writer_;
  double total_ = 0;  // bytes of the base's tensors
  double done_ = 0;   // of those before the one at hand
};

Result<void> Merge::open(const std::filesystem::path& base, const std::filesystem::path& output) {
  HYPRSTREAM_ASSIGN(auto first, GgufFile::open(base));
  HYPRSTREAM_ASSIGN(const auto further, further_parts(first));
  parts_.push_back(std::move(first));
  for (const auto& path : further) {
    HYPRSTREAM_ASSIGN(auto part, GgufFile::open(path));
    parts_.push_back(std::move(part));
  }
  for (const auto& part : parts_) {
    std::error_code ignored;
    if (std::filesystem::equivalent(part.path(), output, ignored))
      return fail(ErrorCode::kAlreadyExists,
                  output.string() + " is the base model itself, which is never changed: write to another file");
  }
  HYPRSTREAM_ASSIGN(base_, read_base_model(base));
  return {};
}

Result<void> Merge::plan(const GgufTensor& tensor) {
  PlannedTensor planned{.tensor = &tensor, .type = tensor.type, .pairs = {}};
  if (const auto id = parse_linear_weight_name(tensor.name))
    for (const auto& [adapter, scale] : adapters_)
      if (const LoraPair* pair = adapter->find(*id)) planned.pairs.push_back({.pair = pair, .scale = scale});
  if (!planned.pairs.empty()) {
    planned.type = options_.type.value_or(tensor.type);
    if (const auto possible = check_quantizable(planned.type); !possible)
      return fail(possible.error().code, std::format("{} ({}) cannot be merged: {}", tensor.name,
                                                     tensor_type_name(tensor.type), possible.error().message));
  }
  HYPRSTREAM_TRY(writer_.add_tensor(tensor.name, tensor.shape, planned.type));
  total_ += static_cast<double>(tensor.data.size());
  tensors_.push_back(std::move(planned));
  return {};
}

void Merge::add_metadata() {
  const GgufFile& first = parts_.front();
  const auto new_type = [](const PlannedTensor& planned) { return planned.type != planned.tensor->type; };
  const bool retyped = std::ranges::any_of(tensors_, new_type);
  for (const auto key : first.keys()) {
    // The writer has an alignment of its own.
    if (key.starts_with("split.") || key == "general.alignment" || (retyped && key == kFileTypeKey)) continue;
    writer_.set_value(key, *first.find(key));
  }
  if (retyped && first.find(kQuantizationKey) == nullptr) writer_.set_uint32(kQuantizationKey, quantization_version());
  std::vector<std::string> adapters;
  if (const auto earlier = first.find_strings(kAdaptersKey); earlier && *earlier)
    adapters.assign((*earlier)->begin(), (*earlier)->end());
  if (adapters.empty()) {
    writer_.set_string(kBaseNameKey, base_.name);
    writer_.set_string(kBaseHashKey, base_.header_sha256);
  }
  for (const auto& [adapter, scale] : adapters_)
    adapters.push_back(std::format("{} {} {}", adapter->id(), adapter->name(), scale));
  writer_.set_strings(kAdaptersKey, adapters);
}

Result<void> Merge::advance(const GgufTensor& tensor, double share) {
  const double bytes = done_ + static_cast<double>(tensor.data.size()) * share;
  if (share >= 1) done_ = bytes;
  if (progress_ && !progress_(static_cast<float>(bytes / total_)))
    return fail(ErrorCode::kCancelled, "merging was cancelled: nothing was written");
  return {};
}

Result<void> Merge::write_tensor(const PlannedTensor& planned, TensorSink& sink) {
  const GgufTensor& tensor = *planned.tensor;
  if (planned.pairs.empty()) {
    HYPRSTREAM_TRY(sink.write(tensor.data));
    return advance(tensor, 1);
  }
  const WeightDelta delta(planned.pairs);
  const MergedRows merged(tensor, delta, planned.type);
  const std::size_t piece = std::clamp<std::size_t>(kPieceBytes / merged.row_bytes(), 1, merged.rows());
  std::vector<std::byte> bytes(piece * merged.row_bytes());
  for (std::size_t row = 0; row < merged.rows(); row += piece) {
    const std::size_t count = std::min(piece, merged.rows() - row);
    const auto out = std::span(bytes).first(count * merged.row_bytes());
    HYPRSTREAM_TRY(merged.write(row, out));
    HYPRSTREAM_TRY(sink.write(out));
    HYPRSTREAM_TRY(advance(tensor, static_cast<double>(row + count) / static_cast<double>(merged.rows())));
  }
  return {};
}

Result<void> Merge::run(const std::filesystem::path& base, const std::filesystem::path& output) {
  if (adapters_.empty()) return fail(ErrorCode::kInvalidArgument, "there is no adapter to merge");
  HYPRSTREAM_TRY(open(base, output));
  for (const auto& [adapter, scale] : adapters_) {
    if (!std::isfinite(scale))
      return fail(ErrorCode::kInvalidArgument, std::format("adapter '{}' has the scale {}", adapter->name(), scale));
    HYPRSTREAM_TRY(check_fits(*adapter, base_));
  }
  for (const auto& part : parts_)
    for (const auto& tensor : part.tensors()) HYPRSTREAM_TRY(plan(tensor));
  add_metadata();
  return writer_.finish(output,
                        [this](std::size_t index, TensorSink& sink) { return write_tensor(tensors_[index], sink); });
}

}  // namespace

Result<void> merge_adapters(const std::filesystem::path& base, std::span<const WeightedAdapter> adapters,
                            const std::filesystem::path& output, const MergeOptions& options,
                            const MergeProgress& progress) {
  return Merge(adapters, options, progress).run(base, output);
}

}  // namespace hyprstream
