#include "training/attention.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "training/products.hpp"

namespace hyprstream {
namespace {

// Queries whose scores are in memory at once.
constexpr std::size_t kQueryBlock = 64;

// Some rows and columns of a larger matrix, and 0 from column `length` on.
void copy_in(const ConstActivations& from, std::size_t first_feature, std::size_t first_column, std::size_t length,
             const Activations& to) {
  for (std::size_t f = 0; f < to.features; ++f) {
    float* row = to.data + f * to.stride;
    std::copy_n(from.data + (first_feature + f) * from.stride + first_column, length, row);
    std::fill(row + length, row + to.columns, 0.0F);
  }
}

void copy_out(const ConstActivations& from, std::size_t length, std::size_t first_feature, std::size_t first_column,
              const Activations& to) {
  for (std::size_t f = 0; f < from.features; ++f)
    std::copy_n(from.data + f * from.stride, length, to.data + (first_feature + f) * to.stride + first_column);
}

void clear_padding(const TokenPass& pass, const Activations& matrix) {
  const std::size_t used = pass.examples.back().begin + pass.examples.back().length;
  for (std::size_t f = 0; f < matrix.features; ++f)
    std::fill(matrix.data + f * matrix.stride + used, matrix.data + f * matrix.stride + matrix.columns, 0.0F);
}

}  // namespace

struct Attention::Head {
  const FrozenLayer& layer;
  const AttentionInput& input;
  ColumnRange columns;
  std::size_t index = 0;   // of the key head
  std::size_t length = 0;  // of the example, rounded up
};

Attention::Attention(const FrozenModel& model, ThreadPool& pool)
    : model_(model), pool_(pool), scratch_(static_cast<std::size_t>(pool.threads())) {}

void Attention::prepare(const TokenPass& pass) {
  const auto& shape = model_.shape();
  const std::size_t length = round_up(pass.longest(), kQueryBlock), head = shape.head_size;
  const std::size_t turned = round_up(head, kColumnBlock);
  for (auto& scratch : scratch_) {
    for (auto* buffer : {&scratch.keys, &scratch.values, &scratch.plain_keys})
      buffer->resize(std::max(buffer->size(), head * length));
    for (auto* buffer : {&scratch.key_sums, &scratch.value_sums})
      buffer->resize(std::max(buffer->size(), turned * length));
    for (auto* buffer : {&scratch.scores, &scratch.score_gradients})
      buffer->resize(std::max(buffer->size(), length * kQueryBlock));
    for (auto* buffer : {&scratch.queries, &scratch.plain_queries, &scratch.gradients})
      buffer->resize(head * kQueryBlock);
    // What is beyond the head's features stays 0.
    for (auto* buffer : {&scratch.turned_queries, &scratch.turned_gradients}) buffer->resize(turned * kQueryBlock);
  }
  if (length <= positions_) return;
  positions_ = length;
  const auto& frequencies = model_.positions().frequencies;
  cosines_.resize(frequencies.size() * length);
  sines_.resize(frequencies.size() * length);
  for (std::size_t i = 0; i < frequencies.size(); ++i)
    for (std::size_t position = 0; position < length; ++position) {
      const double angle = static_cast<double>(position) * static_cast<double>(frequencies[i]);
      cosines_[i * length + position] = static_cast<float>(std::cos(angle));
      sines_[i * length + position] = static_cast<float>(std::sin(angle));
    }
}

Rotation Attention::rotation(std::size_t first_position) const noexcept {
  return {.cosines = cosines_.data() + first_position,
          .sines = sines_.data() + first_position,
          .pairs = model_.positions().frequencies.size(),
          .stride = positions_,
          .is_interleaved = model_.positions().is_interleaved};
}

void Attention::load_keys(const Head& head, bool keep_plain, Scratch& scratch) const {
  const std::size_t size = model_.shape().head_size, first = head.index * size;
  const Activations keys{scratch.keys.data(), size, head.length, head.length};
  copy_in(head.input.keys, first, head.columns.begin, head.columns.length, keys);
  copy_in(head.input.values, first, head.columns.begin, head.columns.length,
          {scratch.values.data(), size, head.length, head.length});
  if (keep_plain) std::copy_n(scratch.keys.data(), size * head.length, scratch.plain_keys.data());
  if (!head.layer.key_norm.empty()) rms_norm(keys, head.layer.key_norm, model_.shape().norm_epsilon, keys);
  rotate(rotation(0), false, keys);
}

// The queries of head `index` of all, from `first` on.
void Attention::load_queries(const Head& head, std::size_t index, std::size_t first, std::size_t width,
                             Scratch& scratch) const {
  const std::size_t size = model_.shape().head_size;
  const Activations queries{scratch.queries.data(), size, width, width};
  copy_in(head.input.queries, index * size, head.columns.begin + first, std::min(width, head.columns.length - first),
          queries);
  std::copy_n(scratch.queries.data(), size * width, scratch.plain_queries.data());
  if (!head.layer.query_norm.empty()) rms_norm(queries, head.layer.query_norm, model_.shape().norm_epsilon, queries);
  rotate(rotation(first), false, queries);
}

// Probabilities [keys up to the block's end][width].
void Attention::score(const Head& head, std::size_t first, std::size_t width, Scratch& scratch) const {
  const std::size_t keys = std::min(first + width, head.columns.length);
  multiply(Product<float>{.left = scratch.keys.data(),
                          .layout = LeftLayout::kByDepth,
                          .left_stride = head.length,
                          .right = scratch.queries.data(),
                          .right_stride = width,
                          .result = scratch.scores.data(),
                          .result_stride = width,
                          .rows = keys,
                          .columns = width,
                          .depth = model_.shape().head_size,
                          .scale = model_.shape().attention_scale});
  causal_softmax({scratch.scores.data(), keys, width, width}, first);
}

void Attention::forward_head(const Head& head, const Activations& output, Scratch& scratch) const {
  const auto& shape = model_.shape();
  const std::size_t size = shape.head_size, group = shape.heads / shape.kv_heads;
  load_keys(head, false, scratch);
  for (std::size_t index = head.index * group; index < (head.index + 1) * group; ++index)
    for (std::size_t first = 0; first < head.columns.length; first += kQueryBlock) {
      const std::size_t width = std::min(kQueryBlock, head.length - first);
      load_queries(head, index, first, width, scratch);
      score(head, first, width, scratch);
      multiply(Product<float>{.left = scratch.values.data(),
                              .layout = LeftLayout::kByRow,
                              .left_stride = head.length,
                              .right = scratch.scores.data(),
                              .right_stride = width,
                              .result = scratch.gradients.data(),
                              .result_stride = width,
                              .rows = size,
                              .columns = width,
                              .depth = std::min(first + width, head.columns.length)});
      copy_out({scratch.gradients.data(), size, width, width}, std::min(width, head.columns.length - first),
               index * size, head.columns.begin + first, output);
    }
}

void Attention::backward_head(const Head& head, const ConstActivations& output_gradient,
                              const Activations& query_gradient, const Activations& key_gradient,
                              const Activations& value_gradient, Scratch& scratch) const {
  const auto& shape = model_.shape();
  const std::size_t size = shape.head_size, group = shape.heads / shape.kv_heads;
  const std::size_t turned = round_up(size, kColumnBlock);
  load_keys(head, true, scratch);
  std::fill_n(scratch.key_sums.data(), head.length * turned, 0.0F);
  std::fill_n(scratch.value_sums.data(), head.length * turned, 0.0F);
  for (std::size_t index = head.index * group; index < (head.index + 1) * group; ++index)
    for (std::size_t first = 0; first < head.columns.length; first += kQueryBlock) {
      const std::size_t width = std::min(kQueryBlock, head.length - first);
      const std::size_t used = std::min(width, head.columns.length - first);
      const std::size_t keys = std::min(first + width, head.columns.length);
      load_queries(head, index, first, width, scratch);
      score(head, first, width, scratch);
      const Activations gradients{scratch.gradients.data(), size, width, width};
      copy_in(output_gradient, index * size, head.columns.begin + first, used, gradients);
      transpose(scratch.gradients.data(), size, width, width, scratch.turned_gradients.data(), turned);
      transpose(scratch.queries.data(), size, width, width, scratch.turned_queries.data(), turned);
      // To each value, its share in the outputs.
      const auto add_shares = [&](const float* shares, const float* turned_side, float* sums) {
        multiply(Product<float>{.left = shares,
                                .layout = LeftLayout::kByRow,
                                .left_stride = width,
                                .right = turned_side,
                                .right_stride = turned,
                                .result = sums,
                                .result_stride = turned,
                                .rows = keys,
                                .columns = turned,
                                .depth = width,
                                .accumulate = true});
      };
      add_shares(scratch.scores.data(), scratch.turned_gradients.data(), scratch.value_sums.data());
      multiply(Product<float>{.left = scratch.values.data(),
                              .layout = LeftLayout::kByDepth,
                              .left_stride = head.length,
                              .right = scratch.gradients.data(),
                              .right_stride = width,
                              .result = scratch.score_gradients.data(),
                              .result_stride = width,
                              .rows = keys,
                              .columns = width,
                              .depth = size});
      softmax_backward({scratch.scores.data(), keys, width, width}, shape.attention_scale,
                       {scratch.score_gradients.data(), keys, width, width});
      add_shares(scratch.score_gradients.data(), scratch.turned_queries.data(), scratch.key_sums.data());
      multiply(Product<float>{.left = scratch.keys.data(),
                              .layout = LeftLayout::kByRow,
                              .left_stride = head.length,
                              .right = scratch.score_gradients.data(),
                              .right_stride = width,
                              .result = scratch.gradients.data(),
                              .result_stride = width,
                              .rows = size,
                              .columns = width,
                              .depth = keys});
      rotate(rotation(first), true, gradients);
      if (!head.layer.query_norm.empty())
        rms_norm_backward({scratch.plain_queries.data(), size, width, width}, head.layer.query_norm, shape.norm_epsilon,
                          gradients, gradients, false);
      copy_out(gradients, used, index * size, head.columns.begin + first, query_gradient);
    }
  const Activations keys{scratch.keys.data(), size, head.length, head.length};
  transpose(scratch.key_sums.data(), head.length, size, turned, keys.data, head.length);
  rotate(rotation(0), true, keys);
  if (!head.layer.key_norm.empty())
    rms_norm_backward({scratch.plain_keys.data(), size, head.length, head.length}, head.layer.key_norm,
                      shape.norm_epsilon, keys, keys, false);
  copy_out(keys, head.columns.length, head.index * size, head.columns.begin, key_gradient);
  transpose(scratch.value_sums.data(), head.length, size, turned, scratch.values.data(), head.length);
  copy_out({scratch.values.data(), size, head.length, head.length}, head.columns.length, head.index * size,
           head.columns.begin, value_gradient);
}

void Attention::forward(const FrozenLayer& layer, const TokenPass& pass, const AttentionInput& input,
                        const Activations& output) {
  const std::size_t kv_heads = model_.shape().kv_heads;
  clear_padding(pass, output);
  pool_.run(pass.examples.size() * kv_heads, [&](std::size_t task, int worker) {
    const auto columns = pass.examples[task / kv_heads];
    forward_head({layer, input, columns, task % kv_heads, round_up(columns.length, kColumnBlock)}, output,
                 scratch_[static_cast<std::size_t>(worker)]);
  });
}

void Attention::backward(const FrozenLayer& layer, const TokenPass& pass, const AttentionInput& input,
                         const ConstActivations& output_gradient, const Activations& query_gradient,
                         const Activations& key_gradient, const Activations& value_gradient) {
  const std::size_t kv_heads = model_.shape().kv_heads;
  for (const auto& gradient : {query_gradient, key_gradient, value_gradient}) clear_padding(pass, gradient);
  pool_.run(pass.examples.size() * kv_heads, [&](std::size_t task, int worker) {
    const auto columns = pass.examples[task / kv_heads];
    backward_head({layer, input, columns, task % kv_heads, round_up(columns.length, kColumnBlock)}, output_gradient,
                  query_gradient, key_gradient, value_gradient, scratch_[static_cast<std::size_t>(worker)]);
  });
}

}  // namespace hyprstream
