// One target weight's place in llama.cpp's graph, and how the hook gets at its product there.
// Internal to runtime.
#pragma once

#include <ggml.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "runtime/linear_hook.hpp"

namespace hyprstream {

// Where the hook is called. The nodes of a graph cannot be known in advance, but they follow the same
// pattern in every graph of a model: the first batch stops behind each product and looks at what
// comes next.
enum class LinearRoute : std::uint8_t {
  kUnknown,
  kStop,       // the graph stops behind the product
  kStopLater,  // the next node is another target's product of the same input: one stop does for both
  kView,       // the next node is a reshape of the product, which computes nothing: it becomes the call
  kAdd,        // the next node adds something to the product: it becomes the call and the addition
};

// kView and kAdd turn that next node into a GGML_OP_CUSTOM, which ggml runs like any other node, on all
// of its threads and without a stop. llama.cpp keeps a graph for further steps of the same shape, and
// such nodes with it; they do nothing, or just add, where the hook does not want them.
//
// The address of a site is part of the graph.
struct LinearSite {
  LinearId id;
  LinearHook* const* hook = nullptr;
  LinearRoute route = LinearRoute::kUnknown;

  // ---- Of the batch in progress ----
  std::uint64_t batch = 0;  // its number
  const ggml_tensor* product = nullptr;
  std::span<const LinearColumn> owners;
  bool is_active = false;  // whether the hook wants the product

  // How the hook could be called at `next`, the node behind the product.
  LinearRoute route_at(const ggml_tensor& next) const noexcept;
  // Whether `next` is, or by this call becomes, the node that calls the hook on the way that `route` says.
  bool enter(ggml_tensor& next);
  // What marks a node as this site's own: ggml's parameters of a custom operation.
  using OpParams = std::array<std::int32_t, GGML_MAX_OP_PARAMS / sizeof(std::int32_t)>;
  std::optional<OpParams> op_params;

  // Calls the hook on a share of the columns.
  void call(std::size_t first_column, std::size_t column_count) const noexcept;
};

// Not thread-safe.
class LinearSites {
 public:
  void set_hook(LinearHook* hook) noexcept { hook_ = hook; }
  LinearHook* hook() const noexcept { return hook_; }

  LinearSite& at(LinearId id);

 private:
  LinearHook* hook_ = nullptr;
  std::vector<std::unique_ptr<LinearSite>> sites_;  // by layer, then module
};

// The target weight whose product the node is.
std::optional<LinearId> target_of(const ggml_tensor& node) noexcept;

}  // namespace hyprstream
