#include "fake_trainer.hpp"

#include <cstring>
#include <utility>

#include "adapter/lora_init.hpp"
#include "small_base.hpp"

namespace hyprstream::testing_support {
namespace {

constexpr std::size_t kWidth = 8;  // of the small base's weights

}  // namespace

FakeTrainer::FakeTrainer(LoraTrainingOptions options, Faults faults)
    : options_(std::move(options)), faults_(std::move(faults)) {}

double FakeTrainer::loss_of(const TrainingExample& example, bool with_adapter) const {
  double sum = 0;
  for (const Token token : example.tokens) {
    const double miss = (with_adapter ? values_[static_cast<std::size_t>(token) % 8] : 0) - token;
    sum += miss * miss;
  }
  return sum / static_cast<double>(example.tokens.size());
}

double FakeTrainer::sparsity() const noexcept { return 2 * steps_ >= options_.total_steps ? options_.sparsity : 0; }

Result<TrainingStep> FakeTrainer::step(std::span<const MicroBatch> micro_batches, double learning_rate) {
  if (faults_.before_step) faults_.before_step(steps_);
  if (interrupted_) return fail(ErrorCode::kCancelled, "interrupted");
  if (faults_.diverges_at == steps_) return fail(ErrorCode::kInternal, "the loss is not finite");
  TrainingStep result;
  std::size_t examples = 0;
  for (const auto batch : micro_batches)
    for (const auto& example : batch) {
      ++examples;
      result.loss += loss_of(example, true);
      result.tokens += example.tokens.size();
      for (const Token token : example.tokens) {
        auto& value = values_[static_cast<std::size_t>(token) % 8];
        value += learning_rate * (token - value);
      }
    }
  result.loss /= static_cast<double>(examples);
  result.target_tokens = result.tokens;
  ++steps_;
  result.sparsity = sparsity();
  return result;
}

Result<EvaluationResult> FakeTrainer::evaluate(std::span<const TrainingExample> examples, bool with_adapter) {
  EvaluationResult result;
  for (const auto& example : examples) {
    result.loss += loss_of(example, with_adapter) / static_cast<double>(examples.size());
    result.target_tokens += example.tokens.size();
  }
  return result;
}

Result<std::vector<std::vector<std::uint8_t>>> FakeTrainer::predict(std::span<const TrainingExample>, bool) {
  return fail(ErrorCode::kUnsupported, "it predicts nothing");
}

Result<LoraAdapter> FakeTrainer::adapter() const {
  const auto base = small_base();
  AdapterDescription description{.id = make_uuid(),
                                 .name = options_.name,
                                 .base = base,
                                 .rank = 1,
                                 .alpha = 1,
                                 .rank_stabilized = false,
                                 .target_modules = {LinearModule::kQ},
                                 .requested_sparsity = 0};
  description.base.linears = {base.linears[0]};
  std::vector<float> values(values_.begin(), values_.end());
  HYPRSTREAM_ASSIGN(auto a, LoraFactor::from_dense(values, 1, kWidth));
  HYPRSTREAM_ASSIGN(auto b, LoraFactor::from_dense(values, 1, kWidth));
  std::vector<LoraPair> pairs;
  pairs.push_back({.id = base.linears[0].id, .scaling = 1, .a = std::move(a), .b = std::move(b)});
  return LoraAdapter::create(std::move(description), std::move(pairs));
}

Result<std::string> FakeTrainer::save_state() const {
  std::string state(sizeof(steps_) + values_.size() * sizeof(double) + faults_.state_padding, '\0');
  std::memcpy(state.data(), &steps_, sizeof(steps_));
  std::memcpy(state.data() + sizeof(steps_), values_.data(), values_.size() * sizeof(double));
  return state;
}

Result<void> FakeTrainer::load_state(std::string_view state) {
  if (state.size() < sizeof(steps_) + values_.size() * sizeof(double))
    return fail(ErrorCode::kCorrupt, "the state is cut short");
  std::memcpy(&steps_, state.data(), sizeof(steps_));
  std::memcpy(values_.data(), state.data() + sizeof(steps_), values_.size() * sizeof(double));
  return {};
}

}  // namespace hyprstream::testing_support
