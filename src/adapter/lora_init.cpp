#include "adapter/lora_init.hpp"

#include <algorithm>
#include <cmath>
#include <format>
#include <numbers>
#include <utility>

#include "base/split_mix.hpp"

namespace hyprstream {
namespace {

constexpr double kGaussianDeviation = 0.02;
// More than any adapter that a laptop could hold; what is asked for by mistake goes beyond it.
constexpr std::size_t kMaxDenseBytes = std::size_t{16} << 30;

class Random {
 public:
  explicit Random(std::uint64_t seed) noexcept : generator_(seed) {}

  double uniform() noexcept { return generator_.uniform(); }

  // Standard normal (Box and Muller 1958).
  double normal() noexcept {
    if (has_spare_) {
      has_spare_ = false;
      return spare_;
    }
    const double radius = std::sqrt(-2 * std::log(uniform()));
    const double angle = 2 * std::numbers::pi * uniform();
    spare_ = radius * std::sin(angle);
    has_spare_ = true;
    return radius * std::cos(angle);
  }

 private:
  SplitMix64 generator_;
  double spare_ = 0;
  bool has_spare_ = false;
};

std::vector<float> gaussian(std::size_t count, Random& random) {
  std::vector<float> values(count);
  for (auto& value : values) value = static_cast<float>(kGaussianDeviation * random.normal());
  return values;
}

// Kaiming-uniform with a = sqrt(5) (He et al. 2015, as PyTorch and PEFT use it): the bound is 1 / sqrt(in).
std::vector<float> kaiming_uniform(std::size_t count, std::size_t in, Random& random) {
  std::vector<float> values(count);
  const double bound = 1 / std::sqrt(static_cast<double>(in));
  for (auto& value : values) value = static_cast<float>(bound * (2 * random.uniform() - 1));
  return values;
}

Result<void> check_spec(const BaseModel& base, const LoraSpec& spec) {
  if (spec.device != "cpu")
    return fail(ErrorCode::kUnsupported,
                std::format("device '{}' is not supported: adapters are made and used on 'cpu'", spec.device));
  if (spec.rank == 0 || spec.rank > kMaxRank)
    return fail(ErrorCode::kInvalidArgument, std::format("rank {} is not from 1 to {}", spec.rank, kMaxRank));
  if (!std::isfinite(spec.alpha) || spec.alpha <= 0)
    return fail(ErrorCode::kInvalidArgument, std::format("alpha {} is not a number above 0", spec.alpha));
  if (spec.target_modules.empty())
    return fail(ErrorCode::kInvalidArgument, "an adapter needs at least one target module");
  std::size_t entries = 0;
  for (const auto& linear : base.linears)
    if (std::ranges::contains(spec.target_modules, linear.id.module)) entries += spec.rank * (linear.in + linear.out);
  if (entries == 0)
    return fail(ErrorCode::kUnsupported,
                std::format("{} has no {}", base.name, format_target_modules(spec.target_modules)));
  if (entries * sizeof(float) > kMaxDenseBytes)
    return fail(ErrorCode::kResourceExhausted,
                std::format("rank {} on {} would be {} values before pruning, {} GB: choose a smaller rank", spec.rank,
                            format_target_modules(spec.target_modules), entries, entries * sizeof(float) >> 30));
  return {};
}

}  // namespace

Result<LoraAdapter> make_lora_adapter(const BaseModel& base, const LoraSpec& spec) {
  HYPRSTREAM_TRY(check_spec(base, spec));
  AdapterDescription description{.id = make_uuid(),
                                 .name = spec.name,
                                 .base = base,
                                 .rank = spec.rank,
                                 .alpha = spec.alpha,
                                 .rank_stabilized = false,
                                 .target_modules = spec.target_modules,
                                 .requested_sparsity = 0};
  if (description.name.empty()) description.name = default_adapter_name(description.id);
  std::erase_if(description.base.linears, [&](const LinearShape& linear) {
    return !std::ranges::contains(spec.target_modules, linear.id.module);
  });
  const auto scaling = static_cast<float>(lora_scaling(spec.alpha, spec.rank, false));
  Random random(spec.seed);
  std::vector<LoraPair> pairs;
  for (const auto& [id, in, out] : description.base.linears) {
    const bool is_gaussian = spec.init == LoraInit::kGaussian;
    HYPRSTREAM_ASSIGN(auto a, LoraFactor::from_dense(is_gaussian ? gaussian(spec.rank * in, random)
                                                                 : kaiming_uniform(spec.rank * in, in, random),
                                                     spec.rank, in));
    auto b = LoraFactor::zero(spec.rank, out);
    if (is_gaussian) {
      HYPRSTREAM_ASSIGN(b, LoraFactor::from_dense(gaussian(spec.rank * out, random), spec.rank, out));
    }
    pairs.push_back({.id = id, .scaling = scaling, .a = std::move(a), .b = std::move(b)});
  }
  return LoraAdapter::create(std::move(description), std::move(pairs));
}

}  // namespace hyprstream
