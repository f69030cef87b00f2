// Causal attention with grouped key heads, rotary positions and, in qwen3, normed queries and keys.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <hwy/aligned_allocator.h>

#include "training/feature_ops.hpp"
#include "training/frozen_model.hpp"
#include "training/thread_pool.hpp"
#include "training/token_pass.hpp"

namespace hyprstream {

// Of all columns of a pass: queries [heads * head size], keys and values [kv heads * head size], as the linear layers
// gave them, without norm and positions.
struct AttentionInput {
  ConstActivations queries;
  ConstActivations keys;
  ConstActivations values;
};

// Not thread-safe: it holds the memory that it works in. Scores are made in blocks of queries and made again for the
// backward pass, so that memory grows with the length of an example and not with its square.
class Attention {
 public:
  // `model` must outlive it.
  Attention(const FrozenModel& model, ThreadPool& pool);

  // For all examples of a pass; before the others.
  void prepare(const TokenPass& pass);

  // output[heads * head size][columns]; 0 in columns without a token.
  void forward(const FrozenLayer& layer, const TokenPass& pass, const AttentionInput& input, const Activations& output);

  // From the gradient of the output, those of queries, keys and values; 0 in columns without a token.
  void backward(const FrozenLayer& layer, const TokenPass& pass, const AttentionInput& input,
                const ConstActivations& output_gradient, const Activations& query_gradient,
                const Activations& key_gradient, const Activations& value_gradient);

 private:
  // One thread's memory, for one example and key head.
  struct Scratch {
    hwy::AlignedVector<float> keys, values;                       // [head size][length]
    hwy::AlignedVector<float> key_sums, value_sums;               // gradients, [length][head size]
    hwy::AlignedVector<float> plain_keys;                         // as the linear layer gave them
    hwy::AlignedVector<float> scores, score_gradients;            // [length][queries of a block]
    hwy::AlignedVector<float> queries, plain_queries, gradients;  // [head size][queries of a block]
    hwy::AlignedVector<float> turned_queries, turned_gradients;   // [queries of a block][head size]
  };
  struct Head;  // what one call works on

  Rotation rotation(std::size_t first_position) const noexcept;
  void load_keys(const Head& head, bool keep_plain, Scratch& scratch) const;
  void load_queries(const Head& head, std::size_t index, std::size_t first, std::size_t width, Scratch& scratch) const;
  void score(const Head& head, std::size_t first, std::size_t width, Scratch& scratch) const;
  void forward_head(const Head& head, const Activations& output, Scratch& scratch) const;
  void backward_head(const Head& head, const ConstActivations& output_gradient, const Activations& query_gradient,
                     const Activations& key_gradient, const Activations& value_gradient, Scratch& scratch) const;

  const FrozenModel& model_;
  ThreadPool& pool_;
  std::vector<Scratch> scratch_;
  std::size_t positions_ = 0;                  // in the tables
  hwy::AlignedVector<float> cosines_, sines_;  // [pairs][positions]
};

}  // namespace hyprstream
