#include "adapter/lora_adapter.hpp"

#include <algorithm>
#include <cmath>
#include <format>
#include <tuple>
#include <utility>

#include "adapter/weight_delta.hpp"

namespace hyprstream {
namespace {

auto order(LinearId id) { return std::pair(id.layer, id.module); }

}  // namespace

bool LoraPair::changes_anything() const noexcept {
  if (scaling == 0) return false;
  for (std::size_t r = 0; r < rank(); ++r)
    if (!a.component(r).values.empty() && !b.component(r).values.empty()) return true;
  return false;
}

Result<LoraAdapter> LoraAdapter::create(AdapterDescription description, std::vector<LoraPair> pairs) {
  if (pairs.empty()) return fail(ErrorCode::kInvalidArgument, "an adapter without any weights");
  std::ranges::sort(pairs, {}, [](const LoraPair& pair) { return order(pair.id); });
  LoraAdapter adapter;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const auto& pair = pairs[i];
    if (pair.a.rank() != pair.b.rank())
      return fail(ErrorCode::kInvalidArgument, std::format("{}: A has rank {} and B has rank {}",
                                                           linear_weight_name(pair.id), pair.a.rank(), pair.b.rank()));
    if (!std::isfinite(pair.scaling))
      return fail(ErrorCode::kInvalidArgument,
                  std::format("{}: the scaling is {}", linear_weight_name(pair.id), pair.scaling));
    if (i > 0 && pairs[i - 1].id == pair.id)
      return fail(ErrorCode::kInvalidArgument, std::format("{} is in the adapter twice", linear_weight_name(pair.id)));
    adapter.entries_ += pair.entries();
    adapter.nnz_ += pair.nnz();
  }
  adapter.description_ = std::move(description);
  adapter.pairs_ = std::move(pairs);
  return adapter;
}

const LoraPair* LoraAdapter::find(LinearId id) const noexcept {
  const auto at = std::ranges::lower_bound(pairs_, order(id), {}, [](const LoraPair& pair) { return order(pair.id); });
  return at != pairs_.end() && at->id == id ? &*at : nullptr;
}

double LoraAdapter::sparsity() const noexcept {
  return 1.0 - static_cast<double>(nnz_) / static_cast<double>(entries_);
}

std::size_t LoraAdapter::bytes() const noexcept {
  std::size_t bytes = 0;
  for (const auto& pair : pairs_) bytes += pair.a.bytes() + pair.b.bytes();
  return bytes;
}

bool LoraAdapter::changes_anything() const noexcept { return std::ranges::any_of(pairs_, &LoraPair::changes_anything); }

Result<LoraAdapter> LoraAdapter::with_description(AdapterDescription description) const {
  return create(std::move(description), pairs_);
}

double lora_scaling(double alpha, std::size_t rank, bool rank_stabilized) noexcept {
  const auto size = static_cast<double>(rank);
  return alpha / (rank_stabilized ? std::sqrt(size) : size);
}

Result<void> check_fits(const LoraAdapter& adapter, const BaseModel& base) {
  const auto& made_for = adapter.description().base;
  const auto mismatch = [&](const std::string& what) {
    return fail(ErrorCode::kUnsupported,
                std::format("adapter '{}' does not fit {}: {}", adapter.name(), base.name, what));
  };
  if (made_for.architecture != base.architecture)
    return mismatch(std::format("it was made for the architecture {} (model {}), and this is {}", made_for.architecture,
                                made_for.name, base.architecture));
  for (const auto& pair : adapter.pairs())
    if (const auto misfit = describe_misfit(base, {.id = pair.id, .in = pair.in(), .out = pair.out()}))
      return mismatch(*misfit);
  return {};
}

Result<void> apply_to_weight(const LoraPair& pair, std::span<float> weight, float scale) {
  if (weight.size() != pair.in() * pair.out())
    return fail(ErrorCode::kInvalidArgument, std::format("{} values are no [{} x {}] weight of {}", weight.size(),
                                                         pair.out(), pair.in(), linear_weight_name(pair.id)));
  const ScaledPair scaled{.pair = &pair, .scale = scale};
  const WeightDelta delta({&scaled, 1});
  std::vector<double> change(pair.in());
  for (std::size_t o = 0; o < pair.out(); ++o) {
    if (!delta.touches(o)) continue;
    delta.row(o, change);
    const auto out = weight.subspan(o * pair.in(), pair.in());
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<float>(static_cast<double>(out[i]) + change[i]);
  }
  return {};
}

}  // namespace hyprstream
