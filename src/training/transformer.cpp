#include "training/transformer.hpp"

#include <algorithm>
#include <utility>

#include "training/feature_ops.hpp"
#include "training/parallel.hpp"
#include "training/products.hpp"

namespace hyprstream {
namespace {

// Values of an elementwise operation that a task takes.
constexpr std::size_t kPart = 16384;

Activations matrix(hwy::AlignedVector<float>& buffer, std::size_t columns, std::size_t first, std::size_t count) {
  return {buffer.data() + first, buffer.size() / columns, count, columns};
}
ConstActivations matrix(const hwy::AlignedVector<float>& buffer, std::size_t columns, std::size_t first,
                        std::size_t count) {
  return {buffer.data() + first, buffer.size() / columns, count, columns};
}

}  // namespace

Transformer::Transformer(const FrozenModel& model, ThreadPool& pool, std::size_t activation_bytes,
                         const std::atomic<bool>& interrupted)
    : model_(model),
      pool_(pool),
      activation_bytes_(activation_bytes),
      interrupted_(interrupted),
      attention_(model, pool),
      scratch_(static_cast<std::size_t>(pool.threads())) {}

Result<void> Transformer::check_interrupt() const {
  if (interrupted_.load(std::memory_order_relaxed)) return fail(ErrorCode::kCancelled, "training was interrupted");
  return {};
}

void Transformer::prepare(const TokenPass& pass, const TrainableAdapter* adapter, std::size_t tapes) {
  const auto& shape = model_.shape();
  columns_ = pass.columns;
  attention_.prepare(pass);
  const auto size = [this](Buffer& buffer, std::size_t features) { buffer.resize(features * columns_); };
  std::array<std::size_t, kLinearModuleCount> ranks{};
  if (adapter != nullptr)
    for (const auto& pair : adapter->pairs()) {
      auto& rank = ranks[static_cast<std::size_t>(pair.id.module)];
      rank = std::max(rank, pair.a.stride);
    }
  tapes_.resize(tapes);
  for (auto& tape : tapes_) {
    for (auto* buffer : {&tape.input, &tape.middle}) size(*buffer, shape.hidden);
    for (auto* buffer : {&tape.queries, &tape.attention}) size(*buffer, shape.queries());
    for (auto* buffer : {&tape.keys, &tape.values}) size(*buffer, shape.keys());
    for (auto* buffer : {&tape.gate, &tape.up}) size(*buffer, shape.feed_forward);
    for (std::size_t module = 0; module < kLinearModuleCount; ++module) size(tape.hidden[module], ranks[module]);
  }
  for (auto* buffer : {&x_, &normed_}) size(*buffer, shape.hidden);
  size(act_, shape.feed_forward);
}

void Transformer::embed(const TokenPass& pass, Buffer& x) {
  const std::size_t hidden = model_.shape().hidden;
  for (auto& scratch : scratch_) scratch.values.resize(std::max(scratch.values.size(), kColumnBlock * hidden));
  pool_.run(columns_ / kColumnBlock, [&](std::size_t block, int worker) {
    float* rows = scratch_[static_cast<std::size_t>(worker)].values.data();
    for (std::size_t c = 0; c < kColumnBlock; ++c) {
      const Token token = pass.tokens[block * kColumnBlock + c];
      const std::span row(rows + c * hidden, hidden);
      if (token >= 0)
        model_.embedding().read_row(static_cast<std::size_t>(token), row);
      else
        std::ranges::fill(row, 0.0F);
    }
    transpose(rows, kColumnBlock, hidden, hidden, x.data() + block * kColumnBlock, columns_);
  });
}

void Transformer::norm(const Buffer& x, std::span<const float> weight, Buffer& y) {
  in_parts(pool_, columns_, kColumnBlock, [&](std::size_t first, std::size_t count) {
    rms_norm(matrix(x, columns_, first, count), weight, model_.shape().norm_epsilon, matrix(y, columns_, first, count));
  });
}

void Transformer::norm_backward(const Buffer& x, std::span<const float> weight, const Buffer& dy, Buffer& dx) {
  in_parts(pool_, columns_, kColumnBlock, [&](std::size_t first, std::size_t count) {
    rms_norm_backward(matrix(x, columns_, first, count), weight, model_.shape().norm_epsilon,
                      matrix(dy, columns_, first, count), matrix(dx, columns_, first, count), true);
  });
}

void Transformer::linears(const TrainableAdapter* adapter, std::size_t layer, const Buffer& x, Tape& tape,
                          std::initializer_list<LinearUse> uses) {
  const auto& linears = model_.layers()[layer];
  const bool is_bf16 = std::ranges::any_of(
      uses, [&](const LinearUse& use) { return linears.linear(use.module).weight.precision() == Precision::kBf16; });
  packed_.assign(pool_, is_bf16 ? Precision::kBf16 : Precision::kFloat32, x.data(), x.size() / columns_, columns_);
  for (const auto& [module, y] : uses) {
    const auto& [weight, bias] = linears.linear(module);
    weight.multiply(pool_, scratch_, packed_, y.data());
    if (!bias.empty())
      in_parts(pool_, columns_, kColumnBlock,
               [&](std::size_t first, std::size_t count) { add_bias(bias, matrix(y, columns_, first, count)); });
    const auto* pair = adapter == nullptr ? nullptr : adapter->find({static_cast<int>(layer), module});
    if (pair != nullptr)
      adapter->apply(pool_, *pair, x.data(), columns_, tape.hidden[static_cast<std::size_t>(module)].data(), y.data());
  }
}

// dx = or += W^T dy + the adapter's share, unless it is null.
void Transformer::linear_backward(TrainableAdapter& adapter, LinearId id, const Buffer& x, const Tape& tape,
                                  const Buffer& dy, Buffer* dx, bool accumulate) {
  if (dx != nullptr) {
    const auto& weight = model_.layers()[static_cast<std::size_t>(id.layer)].linear(id.module).weight;
    packed_.assign(pool_, weight.precision(), dy.data(), dy.size() / columns_, columns_);
    weight.multiply_transposed(pool_, scratch_, packed_, dx->data(), accumulate);
  }
  if (const auto* pair = adapter.find(id))
    adapter.backward(pool_, *pair, x.data(), tape.hidden[static_cast<std::size_t>(id.module)].data(), dy.data(),
                     columns_, dx == nullptr ? nullptr : dx->data());
}

// From tape.input to x_.
void Transformer::forward_layer(const TokenPass& pass, const TrainableAdapter* adapter, std::size_t index, Tape& tape) {
  using enum LinearModule;
  const auto& layer = model_.layers()[index];
  norm(tape.input, layer.attention_norm, normed_);
  linears(adapter, index, normed_, tape, {{kQ, tape.queries}, {kK, tape.keys}, {kV, tape.values}});
  attention_.forward(layer, pass,
                     {matrix(std::as_const(tape.queries), columns_, 0, columns_),
                      matrix(std::as_const(tape.keys), columns_, 0, columns_),
                      matrix(std::as_const(tape.values), columns_, 0, columns_)},
                     matrix(tape.attention, columns_, 0, columns_));
  linears(adapter, index, tape.attention, tape, {{kO, tape.middle}});
  in_parts(pool_, tape.middle.size(), kPart, [&](std::size_t first, std::size_t count) {
    add(tape.input.data() + first, count, tape.middle.data() + first);
  });
  norm(tape.middle, layer.feed_forward_norm, normed_);
  linears(adapter, index, normed_, tape, {{kGate, tape.gate}, {kUp, tape.up}});
  in_parts(pool_, act_.size(), kPart, [&](std::size_t first, std::size_t count) {
    swiglu(tape.gate.data() + first, tape.up.data() + first, count, act_.data() + first);
  });
  linears(adapter, index, act_, tape, {{kDown, x_}});
  in_parts(pool_, x_.size(), kPart,
           [&](std::size_t first, std::size_t count) { add(tape.middle.data() + first, count, x_.data() + first); });
}

// dx_ from the gradient of the layer's output to that of its input.
void Transformer::backward_layer(const TokenPass& pass, TrainableAdapter& adapter, std::size_t index, Tape& tape,
                                 bool needs_input_gradient) {
  using enum LinearModule;
  const auto& layer = model_.layers()[index];
  const auto id = [index](LinearModule module) { return LinearId{static_cast<int>(index), module}; };
  in_parts(pool_, act_.size(), kPart, [&](std::size_t first, std::size_t count) {
    swiglu(tape.gate.data() + first, tape.up.data() + first, count, act_.data() + first);
  });
  linear_backward(adapter, id(kDown), act_, tape, dx_, &dact_, false);
  in_parts(pool_, act_.size(), kPart, [&](std::size_t first, std::size_t count) {
    swiglu_backward(tape.gate.data() + first, tape.up.data() + first, count, dact_.data() + first, dup_.data() + first);
  });
  norm(tape.middle, layer.feed_forward_norm, normed_);
  linear_backward(adapter, id(kGate), normed_, tape, dact_, &dnormed_, false);
  linear_backward(adapter, id(kUp), normed_, tape, dup_, &dnormed_, true);
  norm_backward(tape.middle, layer.feed_forward_norm, dnormed_, dx_);

  linear_backward(adapter, id(kO), tape.attention, tape, dx_, &dattention_, false);
  attention_.backward(layer, pass,
                      {matrix(std::as_const(tape.queries), columns_, 0, columns_),
                       matrix(std::as_const(tape.keys), columns_, 0, columns_),
                       matrix(std::as_const(tape.values), columns_, 0, columns_)},
                      matrix(std::as_const(dattention_), columns_, 0, columns_),
                      matrix(dqueries_, columns_, 0, columns_), matrix(dkeys_, columns_, 0, columns_),
                      matrix(dvalues_, columns_, 0, columns_));
  norm(tape.input, layer.attention_norm, normed_);
  auto* dnormed = needs_input_gradient ? &dnormed_ : nullptr;
  linear_backward(adapter, id(kQ), normed_, tape, dqueries_, dnormed, false);
  linear_backward(adapter, id(kK), normed_, tape, dkeys_, dnormed, true);
  linear_backward(adapter, id(kV), normed_, tape, dvalues_, dnormed, true);
  if (needs_input_gradient) norm_backward(tape.input, layer.attention_norm, dnormed_, dx_);
}

// To x_. With `keep`, each layer has a tape, or at least its input, afterwards.
Result<void> Transformer::forward(const TokenPass& pass, const TrainableAdapter* adapter, bool keep) {
  const auto& shape = model_.shape();
  std::size_t features = 2 * (shape.hidden + shape.queries() + shape.keys() + shape.feed_forward);
  if (adapter != nullptr)
    for (const auto& pair : adapter->pairs())
      if (pair.id.layer == adapter->pairs().front().id.layer) features += pair.a.stride;
  const bool fits = shape.layers * features * pass.columns * sizeof(float) <= activation_bytes_;
  prepare(pass, adapter, keep && fits ? shape.layers : 1);
  inputs_.resize(keep && !fits ? shape.layers : 0);
  embed(pass, x_);
  for (std::size_t index = 0; index < shape.layers; ++index) {
    HYPRSTREAM_TRY(check_interrupt());
    auto& tape = tapes_[tapes_.size() == 1 ? 0 : index];
    std::swap(tape.input, x_);
    if (!inputs_.empty()) inputs_[index] = tape.input;
    forward_layer(pass, adapter, index, tape);
  }
  return {};
}

Result<std::vector<Prediction>> Transformer::evaluate(const TokenPass& pass, const TrainableAdapter* adapter) {
  HYPRSTREAM_TRY(forward(pass, adapter, false));
  return head(pass, 0, nullptr, nullptr);
}

Result<std::vector<float>> Transformer::logits(const TokenPass& pass, const TrainableAdapter* adapter) {
  HYPRSTREAM_TRY(forward(pass, adapter, false));
  std::vector<float> rows;
  HYPRSTREAM_TRY(head(pass, 0, nullptr, &rows));
  return rows;
}

Result<std::vector<Prediction>> Transformer::evaluate_with_gradients(const TokenPass& pass, TrainableAdapter& adapter,
                                                                     float loss_weight) {
  const auto& shape = model_.shape();
  HYPRSTREAM_TRY(forward(pass, &adapter, true));
  for (auto* buffer : {&dx_, &dnormed_}) buffer->resize(shape.hidden * columns_);
  for (auto* buffer : {&dact_, &dup_}) buffer->resize(shape.feed_forward * columns_);
  for (auto* buffer : {&dattention_, &dqueries_}) buffer->resize(shape.queries() * columns_);
  for (auto* buffer : {&dkeys_, &dvalues_}) buffer->resize(shape.keys() * columns_);
  HYPRSTREAM_ASSIGN(auto predictions, head(pass, loss_weight, &dx_, nullptr));
  // Below the lowest pair nothing is to be learned.
  const auto lowest = static_cast<std::size_t>(adapter.pairs().front().id.layer);
  for (std::size_t index = shape.layers; index-- > lowest;) {
    HYPRSTREAM_TRY(check_interrupt());
    auto& tape = tapes_[tapes_.size() == 1 ? 0 : index];
    if (!inputs_.empty()) {
      tape.input = inputs_[index];
      forward_layer(pass, &adapter, index, tape);
    }
    backward_layer(pass, adapter, index, tape, index > lowest);
  }
  return predictions;
}

}  // namespace hyprstream
