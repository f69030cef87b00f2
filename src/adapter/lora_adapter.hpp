// A LoRA adapter in memory: W' = W + scaling * B * A for each target weight W [out x in], with
// A [rank x in], B [out x rank] and scaling = alpha / rank, or alpha / sqrt(rank) for rsLoRA.
//
// LoRA: Hu et al. 2021, arXiv:2106.09685. rsLoRA: Kalajdzievski 2023, arXiv:2312.03732.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "adapter/base_model.hpp"
#include "adapter/lora_factor.hpp"
#include "base/error.hpp"
#include "runtime/linear_hook.hpp"

namespace hyprstream {

// The two factors on one target weight.
struct LoraPair {
  LinearId id;
  // What B * A is multiplied with here. Usually the same for all pairs of an adapter.
  float scaling = 0;
  LoraFactor a;  // [rank x in]
  LoraFactor b;  // [out x rank], kept by component

  std::size_t rank() const noexcept { return a.rank(); }
  std::size_t in() const noexcept { return a.width(); }
  std::size_t out() const noexcept { return b.width(); }
  std::size_t nnz() const noexcept { return a.nnz() + b.nnz(); }
  std::size_t entries() const noexcept { return a.entries() + b.entries(); }
  // Whether B * A can be other than zero: a component with non-zeros on both sides.
  bool changes_anything() const noexcept;
};

// Everything about an adapter but its weights.
struct AdapterDescription {
  std::string id;    // UUID v4, lower case
  std::string name;  // see valid_adapter_name()
  // The model it was made for; `linears` holds only those with a pair.
  BaseModel base;
  std::size_t rank = 0;  // of most pairs; an imported rank_pattern may give some another
  double alpha = 0;
  bool rank_stabilized = false;  // rsLoRA
  std::vector<LinearModule> target_modules;
  double requested_sparsity = 0;  // what sparsify() was last asked for; 0: never
};

// Immutable, and shared between the sequences that use it. Const access is thread-safe.
class LoraAdapter {
 public:
  // Sorts the pairs. Errors: kInvalidArgument (two pairs on one weight, no pair, factors of different rank, rank 0).
  static Result<LoraAdapter> create(AdapterDescription description, std::vector<LoraPair> pairs);

  const AdapterDescription& description() const noexcept { return description_; }
  const std::string& id() const noexcept { return description_.id; }
  const std::string& name() const noexcept { return description_.name; }
  std::span<const LoraPair> pairs() const noexcept { return pairs_; }  // by layer, then module
  const LoraPair* find(LinearId id) const noexcept;

  std::size_t entries() const noexcept { return entries_; }  // of all A and B, zeros included
  std::size_t nnz() const noexcept { return nnz_; }
  double sparsity() const noexcept;    // zeros / entries
  std::size_t bytes() const noexcept;  // of all arrays
  std::size_t dense_bytes() const noexcept { return entries_ * sizeof(float); }
  bool changes_anything() const noexcept;

  // The same weights under another description. Errors: as create().
  Result<LoraAdapter> with_description(AdapterDescription description) const;

 private:
  LoraAdapter() = default;

  AdapterDescription description_;
  std::vector<LoraPair> pairs_;
  std::size_t entries_ = 0;
  std::size_t nnz_ = 0;
};

// A fresh UUID v4 (RFC 9562), lower case, from the system's random numbers.
std::string make_uuid();
bool is_uuid(std::string_view text) noexcept;

// "LoRA-a1b2c3d4": what an adapter without a name of its own is called.
std::string default_adapter_name(std::string_view id);

// alpha / rank, or for rsLoRA alpha / sqrt(rank).
double lora_scaling(double alpha, std::size_t rank, bool rank_stabilized) noexcept;

// Whether the adapter can run on this model. Errors: kUnsupported, naming the first tensor that differs and
// how ("blk.0.attn_q.weight is [1024 x 1024] in this model, and the adapter was made for [2048 x 1024]").
Result<void> check_fits(const LoraAdapter& adapter, const BaseModel& base);

// W' = W + scaling * B * A in place; `weight` is [out][in]. Summed in double precision.
// Errors: kInvalidArgument (another size).
Result<void> apply_to_weight(const LoraPair& pair, std::span<float> weight, float scale = 1);

}  // namespace hyprstream
