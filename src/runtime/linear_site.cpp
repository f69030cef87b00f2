#include "runtime/linear_site.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "runtime/fast_products.hpp"

namespace hyprstream {
namespace {

struct ColumnRange {
  std::size_t first;
  std::size_t count;
};

ColumnRange share_of(std::size_t columns, int thread, int threads) noexcept {
  const auto index = static_cast<std::size_t>(thread);
  const auto count = static_cast<std::size_t>(threads);
  const std::size_t first = columns * index / count;
  return {first, columns * (index + 1) / count - first};
}

void run_at_view(ggml_tensor*, int thread, int threads, void* site_pointer) {
  const auto& site = *static_cast<const LinearSite*>(site_pointer);
  if (!site.is_active) return;
  const auto [first, count] = share_of(site.owners.size(), thread, threads);
  site.call(first, count);
}

void run_at_add(ggml_tensor* sum, int thread, int threads, void* site_pointer) {
  const auto& site = *static_cast<const LinearSite*>(site_pointer);
  const auto [first, count] = share_of(static_cast<std::size_t>(sum->ne[1]), thread, threads);
  if (site.is_active) site.call(first, count);
  const auto row = [](const ggml_tensor& tensor, std::size_t column) {
    return reinterpret_cast<float*>(static_cast<char*>(tensor.data) + column * tensor.nb[1]);
  };
  for (std::size_t column = first; column < first + count; ++column) {
    const float* a = row(*sum->src[0], column);
    const float* b = row(*sum->src[1], column);
    float* out = row(*sum, column);
    for (std::int64_t i = 0; i < sum->ne[0]; ++i) out[i] = a[i] + b[i];
  }
}

// What makes a node a custom operation: made by ggml itself, in a graph that is never run.
LinearSite::OpParams custom_op_params(ggml_custom_op_t function, LinearSite* site) {
  const std::unique_ptr<ggml_context, void (*)(ggml_context*)> context(
      ggml_init({.mem_size = 4 * ggml_tensor_overhead(), .mem_buffer = nullptr, .no_alloc = true}), ggml_free);
  ggml_tensor* input = ggml_new_tensor_1d(context.get(), GGML_TYPE_F32, 1);
  const ggml_tensor* node = ggml_custom_inplace(context.get(), input, nullptr, 0, function, GGML_N_TASKS_MAX, site);
  return std::to_array(node->op_params);
}

bool is_float_matrix(const ggml_tensor& tensor) noexcept {
  return tensor.type == GGML_TYPE_F32 && tensor.nb[0] == sizeof(float) && tensor.ne[2] == 1 && tensor.ne[3] == 1 &&
         tensor.data != nullptr;
}

bool overlap(const ggml_tensor& a, const ggml_tensor& b) noexcept {
  const auto* a_begin = static_cast<const char*>(a.data);
  const auto* b_begin = static_cast<const char*>(b.data);
  return a_begin < b_begin + ggml_nbytes(&b) && b_begin < a_begin + ggml_nbytes(&a);
}

bool is_whole_reshape(const ggml_tensor& node, const ggml_tensor& product) noexcept {
  return node.op == GGML_OP_RESHAPE && node.src[0] == &product && node.data == product.data &&
         ggml_nelements(&node) == ggml_nelements(&product);
}

bool is_plain_sum(const ggml_tensor& node, const ggml_tensor& product) noexcept {
  if (node.op != GGML_OP_ADD || node.src[0] == nullptr || node.src[1] == nullptr) return false;
  if (node.src[0] != &product && node.src[1] != &product) return false;
  if (!is_float_matrix(node) || !ggml_are_same_shape(node.src[0], node.src[1])) return false;
  // llama.cpp may put the sum where the product's input was: nobody but the product needed it any more.
  return is_float_matrix(*node.src[0]) && is_float_matrix(*node.src[1]) && !overlap(node, *product.src[1]);
}

// Whether both are products of one input, and the later one does not use the earlier one.
bool share_input(const ggml_tensor& earlier, const ggml_tensor& later) noexcept {
  return target_of(later) && earlier.src[1] == later.src[1];
}

}  // namespace

std::optional<LinearId> target_of(const ggml_tensor& node) noexcept {
  if (!is_product(node) || node.src[0] == nullptr) return std::nullopt;
  return parse_linear_weight_name(node.src[0]->name);
}

LinearRoute LinearSite::route_at(const ggml_tensor& next) const noexcept {
  if (is_whole_reshape(next, *product)) return LinearRoute::kView;
  if (is_plain_sum(next, *product)) return LinearRoute::kAdd;
  if (share_input(*product, next)) return LinearRoute::kStopLater;
  return LinearRoute::kStop;
}

bool LinearSite::enter(ggml_tensor& next) {
  if (!op_params) op_params = custom_op_params(route == LinearRoute::kAdd ? run_at_add : run_at_view, this);
  if (next.op == GGML_OP_CUSTOM) return std::ranges::equal(*op_params, next.op_params);  // from an earlier step
  if (route_at(next) != route) return false;
  std::ranges::copy(*op_params, next.op_params);
  next.op = GGML_OP_CUSTOM;
  return true;
}

void LinearSite::call(std::size_t first_column, std::size_t column_count) const noexcept {
  if (column_count == 0) return;
  const ggml_tensor& input = *product->src[1];
  const std::size_t input_stride = input.nb[1] / sizeof(float);
  const std::size_t output_stride = product->nb[1] / sizeof(float);
  (*hook)->on_linear_output({.id = id,
                             .columns = owners.subspan(first_column, column_count),
                             .input = static_cast<const float*>(input.data) + first_column * input_stride,
                             .output = static_cast<float*>(product->data) + first_column * output_stride,
                             .in = static_cast<std::size_t>(input.ne[0]),
                             .out = static_cast<std::size_t>(product->ne[0]),
                             .input_stride = input_stride,
                             .output_stride = output_stride});
}

LinearSite& LinearSites::at(LinearId id) {
  const auto index = static_cast<std::size_t>(id.layer) * kLinearModuleCount + static_cast<std::size_t>(id.module);
  if (index >= sites_.size()) sites_.resize(index + 1);
  if (sites_[index] == nullptr) sites_[index] = std::make_unique<LinearSite>(id, &hook_);
  return *sites_[index];
}

}  // namespace hyprstream
