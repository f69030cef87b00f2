// The model's forward and backward pass, written out layer by layer.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <vector>

#include <hwy/aligned_allocator.h>

#include "base/error.hpp"
#include "training/attention.hpp"
#include "training/frozen_model.hpp"
#include "training/frozen_weight.hpp"
#include "training/thread_pool.hpp"
#include "training/token_pass.hpp"
#include "training/trainable_adapter.hpp"

namespace hyprstream {

// What the loss found at one predicting column.
struct Prediction {
  double loss = 0;          // nats
  std::uint8_t is_hit = 0;  // whether no other token was likelier
};

// Not thread-safe: it holds the memory that it works in, which grows to what the largest pass needs.
class Transformer {
 public:
  // `model` and `pool` must outlive it. With more than `activation_bytes` for a pass, layers are computed a second time
  // in the backward pass instead of kept. `interrupted` is looked at between layers.
  Transformer(const FrozenModel& model, ThreadPool& pool, std::size_t activation_bytes,
              const std::atomic<bool>& interrupted);

  // One prediction per entry of pass.predicting. `adapter` may be null. Errors: kCancelled.
  Result<std::vector<Prediction>> evaluate(const TokenPass& pass, const TrainableAdapter* adapter);

  // The same, and adds the gradients of loss_weight * (sum of the losses) to those of the adapter. Errors: kCancelled;
  // the gradients are then incomplete.
  Result<std::vector<Prediction>> evaluate_with_gradients(const TokenPass& pass, TrainableAdapter& adapter,
                                                          float loss_weight);

  // Logits after each predicting column, [predicting][vocabulary]. For tests. Errors: kCancelled.
  Result<std::vector<float>> logits(const TokenPass& pass, const TrainableAdapter* adapter);

 private:
  using Buffer = hwy::AlignedVector<float>;

  // What a layer's backward pass needs of its forward pass, [features][columns] each.
  struct Tape {
    Buffer input, queries, keys, values, attention, middle, gate, up;
    std::array<Buffer, kLinearModuleCount> hidden;  // of the adapter's pairs
  };

  Result<void> check_interrupt() const;
  void prepare(const TokenPass& pass, const TrainableAdapter* adapter, std::size_t tapes);
  void embed(const TokenPass& pass, Buffer& x);
  Result<void> forward(const TokenPass& pass, const TrainableAdapter* adapter, bool keep);
  void forward_layer(const TokenPass& pass, const TrainableAdapter* adapter, std::size_t index, Tape& tape);
  void backward_layer(const TokenPass& pass, TrainableAdapter& adapter, std::size_t index, Tape& tape,
                      bool needs_input_gradient);

  void norm(const Buffer& x, std::span<const float> weight, Buffer& y);
  void norm_backward(const Buffer& x, std::span<const float> weight, const Buffer& dy, Buffer& dx);
  // y = W x + bias + the adapter's share, for layers that read the same x.
  struct LinearUse {
    LinearModule module;
    Buffer& y;
  };
  void linears(const TrainableAdapter* adapter, std::size_t layer, const Buffer& x, Tape& tape,
               std::initializer_list<LinearUse> uses);
  void linear_backward(TrainableAdapter& adapter, LinearId id, const Buffer& x, const Tape& tape, const Buffer& dy,
                       Buffer* dx, bool accumulate);

  // The loss, and if `gradient` is not null, the gradient of the final hidden states.
  Result<std::vector<Prediction>> head(const TokenPass& pass, float loss_weight, Buffer* gradient,
                                       std::vector<float>* logits);

  const FrozenModel& model_;
  ThreadPool& pool_;
  std::size_t activation_bytes_;
  const std::atomic<bool>& interrupted_;
  Attention attention_;
  std::vector<WeightScratch> scratch_;

  std::size_t columns_ = 0;
  std::vector<Tape> tapes_;
  std::vector<Buffer> inputs_;  // of the layers, where they are computed twice
  Buffer x_;                    // between layers
  Buffer normed_, act_, dact_, dup_, dx_, dnormed_, dattention_, dqueries_, dkeys_, dvalues_;
  PackedActivations packed_;
  Buffer head_in_, head_normed_, head_logits_, head_gradient_;
};

}  // namespace hyprstream
