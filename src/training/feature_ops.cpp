#include "training/feature_ops.hpp"

// As in products.cpp.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "training/feature_ops.cpp"
#include <hwy/foreach_target.h>
// What follows needs the targets.
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>

#include "training/products.hpp"

HWY_BEFORE_NAMESPACE();
namespace hyprstream::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::CappedTag<float, kColumnBlock>;
using Vector = hn::Vec<Floats>;
constexpr Floats kFloats;

HWY_INLINE Vector load(const float* at) { return hn::LoadU(kFloats, at); }
HWY_INLINE Vector set(float value) { return hn::Set(kFloats, value); }
HWY_INLINE void store(Vector value, float* at) { hn::StoreU(value, kFloats, at); }
HWY_INLINE Vector inverse_root(Vector value) { return hn::Div(set(1), hn::Sqrt(value)); }

// 1 / (1 + exp(-x)); the bound keeps exp() finite, and beyond it the result is 0 anyway.
HWY_INLINE Vector sigmoid(Vector x) {
  const auto e = hn::Exp(kFloats, hn::Neg(hn::Max(x, set(-87))));
  return hn::Div(set(1), hn::Add(set(1), e));
}

HWY_INLINE Vector inverse_rms(const float* x, std::size_t features, std::size_t stride, float epsilon) {
  auto sum = hn::Zero(kFloats);
  for (std::size_t f = 0; f < features; ++f) {
    const auto value = load(x + f * stride);
    sum = hn::MulAdd(value, value, sum);
  }
  return inverse_root(hn::MulAdd(sum, set(1.0F / static_cast<float>(features)), set(epsilon)));
}

void norm(const ConstActivations& x, std::span<const float> weight, float epsilon, const Activations& y) {
  for (std::size_t c = 0; c < x.columns; c += hn::Lanes(kFloats)) {
    const auto scale = inverse_rms(x.data + c, x.features, x.stride, epsilon);
    for (std::size_t f = 0; f < x.features; ++f)
      store(hn::Mul(hn::Mul(load(x.data + f * x.stride + c), scale), set(weight[f])), y.data + f * y.stride + c);
  }
}

void norm_backward(const ConstActivations& x, std::span<const float> weight, float epsilon, const ConstActivations& dy,
                   const Activations& dx, bool accumulate) {
  for (std::size_t c = 0; c < x.columns; c += hn::Lanes(kFloats)) {
    const auto scale = inverse_rms(x.data + c, x.features, x.stride, epsilon);
    auto along = hn::Zero(kFloats);
    for (std::size_t f = 0; f < x.features; ++f)
      along = hn::MulAdd(hn::Mul(load(dy.data + f * dy.stride + c), set(weight[f])), load(x.data + f * x.stride + c),
                         along);
    const auto back = hn::Mul(hn::Mul(along, hn::Mul(scale, scale)), set(1.0F / static_cast<float>(x.features)));
    for (std::size_t f = 0; f < x.features; ++f) {
      const auto direct = hn::Mul(load(dy.data + f * dy.stride + c), set(weight[f]));
      const auto gradient = hn::Mul(hn::NegMulAdd(load(x.data + f * x.stride + c), back, direct), scale);
      float* at = dx.data + f * dx.stride + c;
      store(accumulate ? hn::Add(load(at), gradient) : gradient, at);
    }
  }
}

void swiglu_forward(const float* gate, const float* up, std::size_t count, float* act) {
  for (std::size_t i = 0; i < count; i += hn::Lanes(kFloats)) {
    const auto g = load(gate + i);
    store(hn::Mul(hn::Mul(g, sigmoid(g)), load(up + i)), act + i);
  }
}

void swiglu_gradient(const float* gate, const float* up, std::size_t count, float* dact, float* dup) {
  for (std::size_t i = 0; i < count; i += hn::Lanes(kFloats)) {
    const auto g = load(gate + i), d = load(dact + i), s = sigmoid(g);
    const auto silu = hn::Mul(g, s);
    store(hn::Mul(d, silu), dup + i);
    // s + g * s * (1 - s)
    const auto slope = hn::MulAdd(silu, hn::Sub(set(1), s), s);
    store(hn::Mul(hn::Mul(d, load(up + i)), slope), dact + i);
  }
}

void bias_all(std::span<const float> bias, const Activations& y) {
  for (std::size_t f = 0; f < y.features; ++f)
    for (std::size_t c = 0; c < y.columns; c += hn::Lanes(kFloats)) {
      float* at = y.data + f * y.stride + c;
      store(hn::Add(load(at), set(bias[f])), at);
    }
}

void add_all(const float* x, std::size_t count, float* y) {
  for (std::size_t i = 0; i < count; i += hn::Lanes(kFloats)) store(hn::Add(load(x + i), load(y + i)), y + i);
}

void rotate_head(const Rotation& rotation, bool inverse, const Activations& head) {
  for (std::size_t i = 0; i < rotation.pairs; ++i) {
    float* first = head.data + (rotation.is_interleaved ? 2 * i : i) * head.stride;
    float* second = first + (rotation.is_interleaved ? 1 : rotation.pairs) * head.stride;
    for (std::size_t c = 0; c < head.columns; c += hn::Lanes(kFloats)) {
      const auto cosine = load(rotation.cosines + i * rotation.stride + c);
      auto sine = load(rotation.sines + i * rotation.stride + c);
      if (inverse) sine = hn::Neg(sine);
      const auto a = load(first + c), b = load(second + c);
      store(hn::NegMulAdd(b, sine, hn::Mul(a, cosine)), first + c);
      store(hn::MulAdd(a, sine, hn::Mul(b, cosine)), second + c);
    }
  }
}

void softmax_of(const Activations& scores, std::size_t first_query) {
  for (std::size_t c = 0; c < scores.columns; c += hn::Lanes(kFloats)) {
    const auto position = hn::Iota(kFloats, static_cast<float>(first_query + c));
    auto most = set(-1e30F);
    for (std::size_t key = 0; key < scores.features; ++key) {
      const auto sees = hn::Ge(position, set(static_cast<float>(key)));
      most = hn::Max(most, hn::IfThenElse(sees, load(scores.data + key * scores.stride + c), most));
    }
    auto sum = hn::Zero(kFloats);
    for (std::size_t key = 0; key < scores.features; ++key) {
      float* at = scores.data + key * scores.stride + c;
      const auto sees = hn::Ge(position, set(static_cast<float>(key)));
      const auto value = hn::IfThenElseZero(sees, hn::Exp(kFloats, hn::Min(hn::Sub(load(at), most), set(0))));
      sum = hn::Add(sum, value);
      store(value, at);
    }
    const auto scale = hn::Div(set(1), sum);
    for (std::size_t key = 0; key < scores.features; ++key) {
      float* at = scores.data + key * scores.stride + c;
      store(hn::Mul(load(at), scale), at);
    }
  }
}

void softmax_gradient(const ConstActivations& probabilities, float scale, const Activations& dp) {
  for (std::size_t c = 0; c < dp.columns; c += hn::Lanes(kFloats)) {
    auto mean = hn::Zero(kFloats);
    for (std::size_t key = 0; key < dp.features; ++key)
      mean = hn::MulAdd(load(probabilities.data + key * probabilities.stride + c), load(dp.data + key * dp.stride + c),
                        mean);
    for (std::size_t key = 0; key < dp.features; ++key) {
      float* at = dp.data + key * dp.stride + c;
      const auto p = load(probabilities.data + key * probabilities.stride + c);
      store(hn::Mul(hn::Mul(p, hn::Sub(load(at), mean)), set(scale)), at);
    }
  }
}

void cross_entropy_of(const Activations& logits, std::span<const std::int32_t> targets, float weight,
                      std::span<double> losses, std::span<std::uint8_t> hits) {
  const std::size_t lanes = hn::Lanes(kFloats);
  for (std::size_t c = 0; c < logits.columns; c += lanes) {
    auto most = set(-1e30F);
    for (std::size_t row = 0; row < logits.features; ++row)
      most = hn::Max(most, load(logits.data + row * logits.stride + c));
    float target_logits[kColumnBlock], largest[kColumnBlock], sums[kColumnBlock], scales[kColumnBlock];
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      const auto target = targets[c + lane];
      target_logits[lane] = target < 0 ? 0 : logits.data[static_cast<std::size_t>(target) * logits.stride + c + lane];
    }
    // Partial sums keep the error of a sum over a large vocabulary small.
    constexpr std::size_t kPart = 256;
    auto sum = hn::Zero(kFloats);
    for (std::size_t begin = 0; begin < logits.features; begin += kPart) {
      auto part = hn::Zero(kFloats);
      for (std::size_t row = begin; row < std::min(begin + kPart, logits.features); ++row) {
        float* at = logits.data + row * logits.stride + c;
        const auto value = hn::Exp(kFloats, hn::Max(set(-87), hn::Sub(load(at), most)));
        part = hn::Add(part, value);
        store(value, at);
      }
      sum = hn::Add(sum, part);
    }
    store(most, largest);
    store(sum, sums);
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      const bool counts = targets[c + lane] >= 0;
      scales[lane] = counts ? weight / sums[lane] : 0;
      losses[c + lane] = counts ? std::log(static_cast<double>(sums[lane])) +
                                      (static_cast<double>(largest[lane]) - static_cast<double>(target_logits[lane]))
                                : 0;
      hits[c + lane] = counts && target_logits[lane] >= largest[lane] ? 1 : 0;
    }
    const auto scale = load(scales);
    for (std::size_t row = 0; row < logits.features; ++row) {
      float* at = logits.data + row * logits.stride + c;
      store(hn::Mul(load(at), scale), at);
    }
    for (std::size_t lane = 0; lane < lanes; ++lane)
      if (targets[c + lane] >= 0)
        logits.data[static_cast<std::size_t>(targets[c + lane]) * logits.stride + c + lane] -= weight;
  }
}

double squares(std::span<const float> values) {
  constexpr std::size_t kPart = 4096;
  double total = 0;
  for (std::size_t begin = 0; begin < values.size(); begin += kPart) {
    const std::size_t end = std::min(begin + kPart, values.size());
    // Sixteen sums on every machine: the same order, the same bits.
    float sums[kColumnBlock] = {};
    std::size_t i = begin;
    for (; i + kColumnBlock <= end; i += kColumnBlock)
      for (std::size_t lane = 0; lane < kColumnBlock; lane += hn::Lanes(kFloats)) {
        const auto value = load(values.data() + i + lane);
        store(hn::MulAdd(value, value, load(sums + lane)), sums + lane);
      }
    for (const float sum : sums) total += static_cast<double>(sum);
    for (; i < end; ++i) total += static_cast<double>(values[i]) * static_cast<double>(values[i]);
  }
  return total;
}

template <class D>
HWY_INLINE void adam_at(D d, const AdamStep& step, const float* gradient, float* value, float* m, float* v) {
  const auto g = hn::Mul(hn::LoadU(d, gradient), hn::Set(d, step.gradient_scale));
  const auto first = hn::MulAdd(hn::LoadU(d, m), hn::Set(d, step.beta1), hn::Mul(g, hn::Set(d, 1 - step.beta1)));
  const auto second =
      hn::MulAdd(hn::LoadU(d, v), hn::Set(d, step.beta2), hn::Mul(hn::Mul(g, g), hn::Set(d, 1 - step.beta2)));
  hn::StoreU(first, d, m);
  hn::StoreU(second, d, v);
  const auto root = hn::MulAdd(hn::Sqrt(second), hn::Set(d, step.sqrt_correction2), hn::Set(d, step.epsilon));
  const auto change = hn::Div(hn::Mul(first, hn::Set(d, step.learning_rate * step.correction1)), root);
  const auto old = hn::LoadU(d, value);
  hn::StoreU(hn::Sub(hn::NegMulAdd(old, hn::Set(d, step.decay), old), change), d, value);
}

void adam_all(const AdamStep& step, std::span<const float> gradients, std::span<float> values,
              std::span<float> first_moments, std::span<float> second_moments) {
  std::size_t i = 0;
  for (; i + hn::Lanes(kFloats) <= values.size(); i += hn::Lanes(kFloats))
    adam_at(kFloats, step, gradients.data() + i, values.data() + i, first_moments.data() + i,
            second_moments.data() + i);
  for (; i < values.size(); ++i)
    adam_at(hn::CappedTag<float, 1>(), step, gradients.data() + i, values.data() + i, first_moments.data() + i,
            second_moments.data() + i);
}

}  // namespace hyprstream::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hyprstream {

HWY_EXPORT(norm);
HWY_EXPORT(norm_backward);
HWY_EXPORT(swiglu_forward);
HWY_EXPORT(swiglu_gradient);
HWY_EXPORT(bias_all);
HWY_EXPORT(add_all);
HWY_EXPORT(rotate_head);
HWY_EXPORT(softmax_of);
HWY_EXPORT(softmax_gradient);
HWY_EXPORT(cross_entropy_of);
HWY_EXPORT(squares);
HWY_EXPORT(adam_all);

void rms_norm(const ConstActivations& x, std::span<const float> weight, float epsilon, const Activations& y) {
  HWY_DYNAMIC_DISPATCH(norm)(x, weight, epsilon, y);
}

void rms_norm_backward(const ConstActivations& x, std::span<const float> weight, float epsilon,
                       const ConstActivations& dy, const Activations& dx, bool accumulate) {
  HWY_DYNAMIC_DISPATCH(norm_backward)(x, weight, epsilon, dy, dx, accumulate);
}

void swiglu(const float* gate, const float* up, std::size_t count, float* act) {
  HWY_DYNAMIC_DISPATCH(swiglu_forward)(gate, up, count, act);
}

void swiglu_backward(const float* gate, const float* up, std::size_t count, float* dact, float* dup) {
  HWY_DYNAMIC_DISPATCH(swiglu_gradient)(gate, up, count, dact, dup);
}

void add_bias(std::span<const float> bias, const Activations& y) { HWY_DYNAMIC_DISPATCH(bias_all)(bias, y); }

void add(const float* x, std::size_t count, float* y) { HWY_DYNAMIC_DISPATCH(add_all)(x, count, y); }

void rotate(const Rotation& rotation, bool inverse, const Activations& head) {
  HWY_DYNAMIC_DISPATCH(rotate_head)(rotation, inverse, head);
}

void causal_softmax(const Activations& scores, std::size_t first_query) {
  HWY_DYNAMIC_DISPATCH(softmax_of)(scores, first_query);
}

void softmax_backward(const ConstActivations& probabilities, float scale, const Activations& dp) {
  HWY_DYNAMIC_DISPATCH(softmax_gradient)(probabilities, scale, dp);
}

void cross_entropy(const Activations& logits, std::span<const std::int32_t> targets, float weight,
                   std::span<double> losses, std::span<std::uint8_t> hits) {
  HWY_DYNAMIC_DISPATCH(cross_entropy_of)(logits, targets, weight, losses, hits);
}

void transpose(const float* values, std::size_t rows, std::size_t columns, std::size_t stride, float* result,
               std::size_t result_stride) {
  constexpr std::size_t kTile = 16;
  for (std::size_t r0 = 0; r0 < rows; r0 += kTile)
    for (std::size_t c0 = 0; c0 < columns; c0 += kTile)
      for (std::size_t c = c0; c < std::min(c0 + kTile, columns); ++c)
        for (std::size_t r = r0; r < std::min(r0 + kTile, rows); ++r)
          result[c * result_stride + r] = values[r * stride + c];
}

double sum_of_squares(std::span<const float> values) { return HWY_DYNAMIC_DISPATCH(squares)(values); }

void adam_update(const AdamStep& step, std::span<const float> gradients, std::span<float> values,
                 std::span<float> first_moments, std::span<float> second_moments) {
  HWY_DYNAMIC_DISPATCH(adam_all)(step, gradients, values, first_moments, second_moments);
}

}  // namespace hyprstream
#endif
