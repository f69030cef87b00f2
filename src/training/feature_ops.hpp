// What a transformer does beside matrix products, on activations by feature: [features][columns], a column a token.
//
// `stride` is the distance between features, `columns` a multiple of kColumnBlock. All functions are thread-safe, run
// on the calling thread, and treat each column by itself: dividing the columns changes no bit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace hyprstream {

// Matrices of activations that lie elsewhere.
struct ConstActivations {
  const float* data = nullptr;
  std::size_t features = 0;
  std::size_t columns = 0;
  std::size_t stride = 0;
};
struct Activations {
  float* data = nullptr;
  std::size_t features = 0;
  std::size_t columns = 0;
  std::size_t stride = 0;

  operator ConstActivations() const noexcept {  // NOLINT(google-explicit-constructor): it only adds const
    return {data, features, columns, stride};
  }
};

// y = weight * x / sqrt(mean(x^2) + epsilon) (Zhang and Sennrich 2019, arXiv:1910.07467). y may be x.
void rms_norm(const ConstActivations& x, std::span<const float> weight, float epsilon, const Activations& y);
// dx = or += the gradient. dx may be dy if it does not accumulate.
void rms_norm_backward(const ConstActivations& x, std::span<const float> weight, float epsilon,
                       const ConstActivations& dy, const Activations& dx, bool accumulate);

// act = silu(gate) * up (Shazeer 2020, arXiv:2002.05202); `count` values, a multiple of kColumnBlock.
void swiglu(const float* gate, const float* up, std::size_t count, float* act);
// In place: dact becomes the gradient of gate, and `dup` is written.
void swiglu_backward(const float* gate, const float* up, std::size_t count, float* dact, float* dup);

void add_bias(std::span<const float> bias, const Activations& y);
// y += x; `count` values, a multiple of kColumnBlock.
void add(const float* x, std::size_t count, float* y);

// Turns the pairs of one head by the angles whose cosines and sines are given, [pairs][stride of the table] for the
// same columns; backwards with `inverse`, which is also the gradient.
struct Rotation {
  const float* cosines = nullptr;
  const float* sines = nullptr;
  std::size_t pairs = 0;
  std::size_t stride = 0;
  bool is_interleaved = false;
};
void rotate(const Rotation& rotation, bool inverse, const Activations& head);

// Scores [keys][queries] become probabilities: query column c stands at position first_query + c, and sees the keys up
// to its own position.
void causal_softmax(const Activations& scores, std::size_t first_query);
// In place: dp, the gradient of the probabilities, becomes that of the scores, times `scale`.
void softmax_backward(const ConstActivations& probabilities, float scale, const Activations& dp);

// For each column, the loss -log softmax(logits)[target] and whether the target has the greatest logit; the logits
// become their gradient times `weight`. Columns without a target (below 0) get gradient 0 and loss 0.
void cross_entropy(const Activations& logits, std::span<const std::int32_t> targets, float weight,
                   std::span<double> losses, std::span<std::uint8_t> hits);

// result[c][r] = values[r][c].
void transpose(const float* values, std::size_t rows, std::size_t columns, std::size_t stride, float* result,
               std::size_t result_stride);

// The sum of squares, in double precision and an order of its own.
double sum_of_squares(std::span<const float> values);

struct AdamStep {
  float learning_rate = 0;
  float beta1 = 0;
  float beta2 = 0;
  float epsilon = 0;
  float decay = 0;             // learning rate * weight decay
  float correction1 = 1;       // 1 / (1 - beta1^t)
  float sqrt_correction2 = 1;  // 1 / sqrt(1 - beta2^t)
  float gradient_scale = 1;
};
// AdamW on `values`, moments and gradients of the same size.
void adam_update(const AdamStep& step, std::span<const float> gradients, std::span<float> values,
                 std::span<float> first_moments, std::span<float> second_moments);

}  // namespace hyprstream
