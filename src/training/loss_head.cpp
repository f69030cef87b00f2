// The last norm, the output matrix and the loss, for the columns that predict a target and no others.
#include <algorithm>

#include "training/feature_ops.hpp"
#include "training/parallel.hpp"
#include "training/products.hpp"
#include "training/transformer.hpp"

namespace hyprstream {
namespace {

// Logits in memory at once.
constexpr std::size_t kLogitBytes = std::size_t{64} << 20;

std::size_t columns_at_once(std::size_t vocabulary) noexcept {
  return std::max(kPanelColumns, kLogitBytes / sizeof(float) / vocabulary / kPanelColumns * kPanelColumns);
}

}  // namespace

Result<std::vector<Prediction>> Transformer::head(const TokenPass& pass, float loss_weight, Buffer* gradient,
                                                  std::vector<float>* logits) {
  const auto& shape = model_.shape();
  const auto& output = model_.output();
  const std::size_t wanted = pass.predicting.size();
  std::vector<Prediction> predictions(wanted);
  if (logits != nullptr) logits->resize(wanted * shape.vocabulary);
  if (gradient != nullptr) std::ranges::fill(*gradient, 0.0F);
  const std::size_t most = columns_at_once(shape.vocabulary);
  for (std::size_t begin = 0; begin < wanted; begin += most) {
    HYPRSTREAM_TRY(check_interrupt());
    const std::size_t count = std::min(most, wanted - begin), columns = round_up(count, kColumnBlock);
    for (auto* buffer : {&head_in_, &head_normed_, &head_gradient_}) buffer->assign(shape.hidden * columns, 0.0F);
    head_logits_.resize(shape.vocabulary * columns);
    for (std::size_t f = 0; f < shape.hidden; ++f)
      for (std::size_t c = 0; c < count; ++c) head_in_[f * columns + c] = x_[f * columns_ + pass.predicting[begin + c]];
    const auto part = [columns](Buffer& buffer, std::size_t first) {
      return Activations{buffer.data() + first, buffer.size() / columns, kColumnBlock, columns};
    };
    in_parts(pool_, columns, kColumnBlock, [&](std::size_t first, std::size_t /*count*/) {
      rms_norm(part(head_in_, first), model_.output_norm(), shape.norm_epsilon, part(head_normed_, first));
    });
    packed_.assign(pool_, output.precision(), head_normed_.data(), shape.hidden, columns);
    output.multiply(pool_, scratch_, packed_, head_logits_.data());
    if (logits != nullptr) {
      for (std::size_t c = 0; c < count; ++c)
        for (std::size_t row = 0; row < shape.vocabulary; ++row)
          (*logits)[(begin + c) * shape.vocabulary + row] = head_logits_[row * columns + c];
      continue;
    }
    std::vector<std::int32_t> targets(columns, -1);
    std::copy_n(pass.targets.begin() + static_cast<std::ptrdiff_t>(begin), count, targets.begin());
    std::vector<double> losses(columns);
    std::vector<std::uint8_t> hits(columns);
    in_parts(pool_, columns, kColumnBlock, [&](std::size_t first, std::size_t width) {
      cross_entropy(part(head_logits_, first), std::span(targets).subspan(first, width), loss_weight,
                    std::span(losses).subspan(first, width), std::span(hits).subspan(first, width));
    });
    for (std::size_t c = 0; c < count; ++c) predictions[begin + c] = {.loss = losses[c], .is_hit = hits[c]};
    if (gradient == nullptr) continue;
    packed_.assign(pool_, output.precision(), head_logits_.data(), shape.vocabulary, columns);
    output.multiply_transposed(pool_, scratch_, packed_, head_gradient_.data(), false);
    in_parts(pool_, columns, kColumnBlock, [&](std::size_t first, std::size_t /*count*/) {
      rms_norm_backward(part(head_in_, first), model_.output_norm(), shape.norm_epsilon, part(head_gradient_, first),
                        part(head_gradient_, first), false);
    });
    for (std::size_t f = 0; f < shape.hidden; ++f)
      for (std::size_t c = 0; c < count; ++c)
        (*gradient)[f * columns_ + pass.predicting[begin + c]] = head_gradient_[f * columns + c];
  }
  return predictions;
}

}  // namespace hyprstream
