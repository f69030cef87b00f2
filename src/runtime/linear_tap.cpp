#include "runtime/linear_tap.hpp"

#include <ggml-backend.h>

#include <format>
#include <optional>

namespace hyprstream {
namespace {

std::optional<LinearId> target_of(const ggml_tensor& node) {
  if (node.op != GGML_OP_MUL_MAT || node.src[0] == nullptr) return std::nullopt;
  return parse_linear_weight_name(node.src[0]->name);
}

bool is_readable_matrix(const ggml_tensor& tensor) {
  return tensor.type == GGML_TYPE_F32 && tensor.nb[0] == sizeof(float) && tensor.ne[2] == 1 && tensor.ne[3] == 1 &&
         tensor.data != nullptr && tensor.buffer != nullptr && ggml_backend_buffer_is_host(tensor.buffer);
}

}  // namespace

void LinearTap::begin_batch() {
  tokens_.clear();
  outputs_.clear();
  problem_.clear();
}

void LinearTap::add_token(LinearColumn column, bool is_output) {
  tokens_.push_back(column);
  if (is_output) outputs_.push_back(column);
}

Result<void> LinearTap::end_batch() {
  if (!problem_.empty()) return fail(ErrorCode::kUnsupported, problem_);
  return {};
}

bool LinearTap::on_eval(ggml_tensor* node, bool ask, void* tap) {
  auto& self = *static_cast<LinearTap*>(tap);
  if (self.hook_ == nullptr) return !ask;
  const auto id = target_of(*node);
  if (ask) return id && self.hook_->wants(*id);
  if (id) self.on_computed(*node, *id);
  return true;
}

void LinearTap::on_computed(const ggml_tensor& node, LinearId id) {
  const ggml_tensor& input = *node.src[1];
  const auto columns = static_cast<std::size_t>(node.ne[1]);
  if (columns == 0) return;
  if (!is_readable_matrix(node) || !is_readable_matrix(input)) {
    problem_ = std::format("the activations of {} are not in host memory as float32", node.src[0]->name);
    return;
  }
  // In the last layer only the rows with outputs survive the attention. If all rows have outputs,
  // both lists are the same.
  const std::vector<LinearColumn>* owners = nullptr;
  if (columns == tokens_.size())
    owners = &tokens_;
  else if (columns == outputs_.size())
    owners = &outputs_;
  if (owners == nullptr) {
    problem_ = std::format("{} was evaluated for {} columns, and the batch has {} tokens with {} outputs",
                           node.src[0]->name, columns, tokens_.size(), outputs_.size());
    return;
  }
  hook_->on_linear_output({.id = id,
                           .columns = *owners,
                           .input = static_cast<const float*>(input.data),
                           .output = static_cast<float*>(node.data),
                           .in = static_cast<std::size_t>(input.ne[0]),
                           .out = static_cast<std::size_t>(node.ne[0]),
                           .input_stride = input.nb[1] / sizeof(float),
                           .output_stride = node.nb[1] / sizeof(float)});
}

}  // namespace hyprstream
