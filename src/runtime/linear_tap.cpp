#include "runtime/linear_tap.hpp"

#include <ggml-backend.h>

#include <format>
#include <utility>

namespace hyprstream {
namespace {

bool is_readable_matrix(const ggml_tensor& tensor) {
  return tensor.type == GGML_TYPE_F32 && tensor.nb[0] == sizeof(float) && tensor.ne[2] == 1 && tensor.ne[3] == 1 &&
         tensor.data != nullptr && tensor.buffer != nullptr && ggml_backend_buffer_is_host(tensor.buffer);
}

}  // namespace

void LinearTap::begin_batch() {
  ++batch_;
  tokens_.clear();
  outputs_.clear();
  followed_ = nullptr;
  unhandled_.clear();
  missed_ = false;
  problem_.clear();
}

void LinearTap::add_token(LinearColumn column, bool is_output) {
  tokens_.push_back(column);
  if (is_output) outputs_.push_back(column);
}

Result<void> LinearTap::end_batch() {
  if (!problem_.empty()) return fail(ErrorCode::kUnsupported, problem_);
  // The stop that these waited for never came.
  for (auto* site : unhandled_) site->route = LinearRoute::kStop;
  missed_ = missed_ || !unhandled_.empty();
  return {};
}

bool LinearTap::on_eval(ggml_tensor* node, bool ask, void* tap) {
  auto& self = *static_cast<LinearTap*>(tap);
  if (ask) return self.ask(*node);
  self.on_stop();
  return true;
}

bool LinearTap::ask(ggml_tensor& node) {
  if (fast_products_ != nullptr) fast_products_->take_over(node);
  if (followed_ != nullptr) follow(node);
  const auto id = target_of(node);
  if (id && begin_product(node, *id)) return true;
  // A product of the same input is where the one before it wanted to stop, whether it is wanted itself or not.
  return id && !unhandled_.empty() && followed_ != unhandled_.back();
}

// `node` comes right behind the product of followed_.
void LinearTap::follow(ggml_tensor& node) {
  LinearSite& site = *std::exchange(followed_, nullptr);
  switch (site.route) {
    case LinearRoute::kUnknown: site.route = site.route_at(node); return;
    case LinearRoute::kStop: return;
    case LinearRoute::kStopLater:
      if (site.route_at(node) == LinearRoute::kStopLater) return;
      break;
    case LinearRoute::kView:
    case LinearRoute::kAdd:
      if (site.enter(node)) return;
      break;
  }
  site.route = LinearRoute::kStop;
  missed_ = true;
}

// Whether the graph is to stop behind the product.
bool LinearTap::begin_product(const ggml_tensor& node, LinearId id) {
  LinearSite& site = sites_.at(id);
  site.product = &node;
  const auto* owners = sites_.hook() != nullptr && sites_.hook()->wants(id) ? owners_of(node) : nullptr;
  site.is_active = owners != nullptr;
  if (std::exchange(site.batch, batch_) == batch_ && site.is_active)
    problem_ = std::format("{} is evaluated twice in one graph", node.src[0]->name);
  if (!site.is_active) return false;
  site.owners = *owners;
  followed_ = &site;
  const bool waits = site.route != LinearRoute::kView && site.route != LinearRoute::kAdd;
  if (waits) unhandled_.push_back(&site);
  return waits && site.route != LinearRoute::kStopLater;
}

void LinearTap::on_stop() {
  for (const auto* site : unhandled_) site->call(0, site->owners.size());
  unhandled_.clear();
}

// Nothing if there is no column, or if it cannot be said whose they are.
const std::vector<LinearColumn>* LinearTap::owners_of(const ggml_tensor& product) {
  const auto columns = static_cast<std::size_t>(product.ne[1]);
  if (columns == 0) return nullptr;
  if (!is_readable_matrix(product) || !is_readable_matrix(*product.src[1])) {
    problem_ = std::format("the activations of {} are not in host memory as float32", product.src[0]->name);
    return nullptr;
  }
  // In the last layer only the rows with outputs survive the attention. If all rows have outputs,
  // both lists are the same.
  if (columns == tokens_.size()) return &tokens_;
  if (columns == outputs_.size()) return &outputs_;
  problem_ = std::format("{} was evaluated for {} columns, and the batch has {} tokens with {} outputs",
                         product.src[0]->name, columns, tokens_.size(), outputs_.size());
  return nullptr;
}

}  // namespace hyprstream
