#include "training/lora_trainer.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <format>
#include <new>
#include <utility>

#include "adapter/lora_init.hpp"
#include "adapter/sparsify.hpp"
#include "base/cpu.hpp"
#include "training/feature_ops.hpp"
#include "training/frozen_model.hpp"
#include "training/parallel.hpp"
#include "training/pruning.hpp"
#include "training/thread_pool.hpp"
#include "training/token_pass.hpp"
#include "training/trainable.hpp"
#include "training/trainable_adapter.hpp"
#include "training/trainer_state.hpp"
#include "training/transformer.hpp"

namespace hyprstream {
namespace {

// Values of the adapter that a task takes.
constexpr std::size_t kPart = 65536;
constexpr int kMaxThreads = 1024;

Result<void> check_range(double value, double least, double below, std::string_view what) {
  if (value >= least && value < below) return {};
  return fail(ErrorCode::kInvalidArgument,
              std::format("{} of {} is not from {} to below {}", what, value, least, below));
}

Result<void> check_options(const LoraTrainingOptions& options) {
  HYPRSTREAM_TRY(check_range(options.sparsity, 0, 1, "a sparsity"));
  HYPRSTREAM_TRY(check_range(options.prune_begin, 0, 1, "a begin of pruning"));
  if (!(options.prune_end >= options.prune_begin && options.prune_end <= 1))
    return fail(ErrorCode::kInvalidArgument, std::format("an end of pruning at {} is not from its begin, {}, to 1",
                                                         options.prune_end, options.prune_begin));
  HYPRSTREAM_TRY(check_range(options.beta1, 0, 1, "a beta1"));
  HYPRSTREAM_TRY(check_range(options.beta2, 0, 1, "a beta2"));
  constexpr double kMost = 1e30;
  HYPRSTREAM_TRY(check_range(options.epsilon, std::numeric_limits<float>::min(), kMost, "an epsilon"));
  HYPRSTREAM_TRY(check_range(options.weight_decay, 0, kMost, "a weight decay"));
  HYPRSTREAM_TRY(check_range(options.max_grad_norm, 0, kMost, "a gradient norm"));
  if (options.total_steps == 0) return fail(ErrorCode::kInvalidArgument, "training needs at least 1 step");
  if (options.threads < 0 || options.threads > kMaxThreads)
    return fail(ErrorCode::kInvalidArgument,
                std::format("{} threads are not from 0 to {}", options.threads, kMaxThreads));
  return {};
}

class Trainer final : public LoraTrainer {
 public:
  Trainer(LoraTrainingOptions options, std::unique_ptr<const FrozenModel> model, std::unique_ptr<ThreadPool> pool,
          TrainableAdapter adapter)
      : options_(std::move(options)),
        model_(std::move(model)),
        pool_(std::move(pool)),
        adapter_(std::move(adapter)),
        transformer_(*model_, *pool_, options_.activation_bytes, interrupted_) {}

  Result<TrainingStep> step(std::span<const MicroBatch> micro_batches, double learning_rate) override try {
    if (!(learning_rate >= 0) || !std::isfinite(learning_rate))
      return fail(ErrorCode::kInvalidArgument, std::format("a learning rate of {} is not possible", learning_rate));
    TrainingStep result;
    for (const auto& batch : micro_batches) {
      HYPRSTREAM_TRY(check_examples(batch));
      for (const auto& example : batch) {
        result.target_tokens += count_targets(example);
        result.tokens += example.tokens.size();
      }
    }
    if (result.target_tokens == 0)
      return fail(ErrorCode::kInvalidArgument, "the step has no token that the loss could count");
    HYPRSTREAM_ASSIGN(const double sum, gradients_of(micro_batches, result.target_tokens));
    result.loss = sum / static_cast<double>(result.target_tokens);
    result.grad_norm = mask_gradients();
    if (!std::isfinite(result.loss) || !std::isfinite(result.grad_norm))
      return fail(ErrorCode::kInternal,
                  std::format("the loss is {} and the gradient's norm {}", result.loss, result.grad_norm));
    update(learning_rate, result.grad_norm);
    ++steps_;
    prune();
    adapter_.follow_mask(mask_is_final());
    result.sparsity = adapter_.sparsity();
    return result;
  } catch (const std::bad_alloc&) {
    return no_memory();
  }

  Result<EvaluationResult> evaluate(std::span<const TrainingExample> examples, bool with_adapter) override try {
    EvaluationResult result;
    HYPRSTREAM_TRY(for_predictions(examples, with_adapter, [&](const TokenPass&, std::span<const Prediction> found) {
      for (const auto& prediction : found) result.loss += prediction.loss;
      result.target_tokens += found.size();
    }));
    if (result.target_tokens == 0)
      return fail(ErrorCode::kInvalidArgument, "the examples have no token that the loss could count");
    result.loss /= static_cast<double>(result.target_tokens);
    if (!std::isfinite(result.loss))
      return fail(ErrorCode::kInternal,
                  std::format("the loss is {}{}", result.loss, with_adapter ? "" : ": the model is damaged"));
    return result;
  } catch (const std::bad_alloc&) {
    return no_memory();
  }

  Result<std::vector<std::vector<std::uint8_t>>> predict(std::span<const TrainingExample> examples,
                                                         bool with_adapter) override try {
    std::vector<std::vector<std::uint8_t>> hits;
    HYPRSTREAM_TRY(
        for_predictions(examples, with_adapter, [&](const TokenPass& pass, std::span<const Prediction> found) {
          std::size_t next = 0;
          for (const auto& [begin, length] : pass.examples) {
            auto& row = hits.emplace_back(length);
            for (; next < found.size() && pass.predicting[next] < begin + length; ++next)
              row[pass.predicting[next] - begin + 1] = found[next].is_hit;
          }
        }));
    return hits;
  } catch (const std::bad_alloc&) {
    return no_memory();
  }

  // What is silent is zero in it.
  Result<LoraAdapter> adapter() const override {
    HYPRSTREAM_ASSIGN(auto adapter, adapter_.to_adapter());
    auto description = adapter.description();
    description.requested_sparsity = options_.sparsity;
    return adapter.with_description(std::move(description));
  }

  std::size_t steps_done() const noexcept override { return steps_; }
  bool is_pruned() const noexcept override { return mask_is_final(); }
  const LoraTrainingOptions& options() const noexcept override { return options_; }
  std::size_t context_length() const noexcept override { return model_->shape().context; }

  Result<std::string> save_state() const override { return write_trainer_state(options_, adapter_, steps_); }
  Result<void> load_state(std::string_view state) override {
    HYPRSTREAM_ASSIGN(steps_, read_trainer_state(state, options_, adapter_));
    adapter_.follow_mask(false);
    adapter_.follow_mask(mask_is_final());
    return {};
  }

  void interrupt() noexcept override { interrupted_ = true; }
  void clear_interrupt() noexcept override { interrupted_ = false; }

 private:
  bool mask_is_final() const noexcept { return scheduled_sparsity(options_, steps_) >= options_.sparsity; }

  static std::unexpected<Error> no_memory() {
    return fail(ErrorCode::kResourceExhausted,
                "memory ran out in training: use shorter examples, a smaller batch or a smaller rank");
  }

  Result<void> check_examples(std::span<const TrainingExample> examples) const {
    const auto wrong = [&](const TrainingExample& example, const std::string& what) {
      return fail(ErrorCode::kInvalidArgument, std::format("example {} {}", &example - examples.data() + 1, what));
    };
    for (const auto& example : examples) {
      if (example.tokens.size() < 2) return wrong(example, "has fewer than 2 tokens");
      if (example.is_target.size() != example.tokens.size())
        return wrong(example,
                     std::format("has {} tokens and {} marks", example.tokens.size(), example.is_target.size()));
      if (example.tokens.size() > model_->shape().context)
        return wrong(example, std::format("has {} tokens, and the model's context is {}", example.tokens.size(),
                                          model_->shape().context));
      for (const auto token : example.tokens)
        if (token < 0 || static_cast<std::size_t>(token) >= model_->shape().vocabulary)
          return wrong(example,
                       std::format("has token {}, and the model {} tokens", token, model_->shape().vocabulary));
    }
    return {};
  }

  template <typename Visit>
  Result<void> for_predictions(std::span<const TrainingExample> examples, bool with_adapter, Visit&& visit) {
    HYPRSTREAM_TRY(check_examples(examples));
    const SilentEntries silent(adapter_, pruning_phase(options_, steps_));
    for (const auto& part : divide_examples(examples, options_.max_tokens_per_pass)) {
      const auto pass = make_token_pass(part);
      HYPRSTREAM_ASSIGN(const auto found, transformer_.evaluate(pass, with_adapter ? &adapter_ : nullptr));
      visit(pass, found);
    }
    return {};
  }

  // Leaves the gradients of the mean loss in the adapter, and returns the sum of the losses.
  Result<double> gradients_of(std::span<const MicroBatch> micro_batches, std::size_t target_tokens) {
    std::ranges::fill(adapter_.gradients(), 0.0F);
    const SilentEntries silent(adapter_, pruning_phase(options_, steps_));
    const auto weight = static_cast<float>(1 / static_cast<double>(target_tokens));
    double sum = 0;
    for (const auto& batch : micro_batches)
      for (const auto& part : divide_examples(batch, options_.max_tokens_per_pass)) {
        HYPRSTREAM_ASSIGN(const auto predictions,
                          transformer_.evaluate_with_gradients(make_token_pass(part), adapter_, weight));
        for (const auto& prediction : predictions) sum += prediction.loss;
      }
    return sum;
  }

  // What is pruned for good gets no gradient. Returns the norm of the rest.
  double mask_gradients() {
    const auto gradients = adapter_.gradients();
    const auto alive = adapter_.alive();
    const bool masked = pruning_phase(options_, steps_) == PruningPhase::kAfter;
    std::vector<double> sums((gradients.size() + kPart - 1) / kPart);
    in_parts(*pool_, gradients.size(), kPart, [&](std::size_t first, std::size_t count) {
      for (std::size_t i = first; masked && i < first + count; ++i) gradients[i] = alive[i] != 0 ? gradients[i] : 0;
      sums[first / kPart] = sum_of_squares(gradients.subspan(first, count));
    });
    double total = 0;
    for (const double sum : sums) total += sum;
    return std::sqrt(total);
  }

  void update(double learning_rate, double grad_norm) {
    const auto t = static_cast<double>(steps_ + 1);
    AdamStep step;
    step.learning_rate = static_cast<float>(learning_rate);
    step.beta1 = static_cast<float>(options_.beta1);
    step.beta2 = static_cast<float>(options_.beta2);
    step.epsilon = static_cast<float>(options_.epsilon);
    step.decay = static_cast<float>(learning_rate * options_.weight_decay);
    step.correction1 = static_cast<float>(1 / (1 - std::pow(options_.beta1, t)));
    step.sqrt_correction2 = static_cast<float>(1 / std::sqrt(1 - std::pow(options_.beta2, t)));
    // As PyTorch's clip_grad_norm_ does it.
    if (options_.max_grad_norm > 0)
      step.gradient_scale = static_cast<float>(std::min(1.0, options_.max_grad_norm / (grad_norm + 1e-6)));
    in_parts(*pool_, adapter_.values().size(), kPart, [&](std::size_t first, std::size_t count) {
      adam_update(step, adapter_.gradients().subspan(first, count), adapter_.values().subspan(first, count),
                  adapter_.first_moments().subspan(first, count), adapter_.second_moments().subspan(first, count));
    });
  }

  // Follows the schedule up to the step that has just been done.
  void prune() {
    const auto before = pruning_phase(options_, steps_ - 1);
    const auto now = pruning_phase(options_, steps_);
    if (now == PruningPhase::kBefore || before == PruningPhase::kAfter) return;
    choose_living(*pool_, adapter_, kept_entries(adapter_.entries(), scheduled_sparsity(options_, steps_)));
    if (now == PruningPhase::kAfter) wipe_pruned(adapter_);
  }

  const LoraTrainingOptions options_;
  const std::unique_ptr<const FrozenModel> model_;
  const std::unique_ptr<ThreadPool> pool_;
  TrainableAdapter adapter_;
  std::atomic<bool> interrupted_ = false;
  Transformer transformer_;
  std::size_t steps_ = 0;
};

}  // namespace

Result<std::unique_ptr<LoraTrainer>> LoraTrainer::create(const std::filesystem::path& model,
                                                         const LoraTrainingOptions& options) {
  HYPRSTREAM_TRY(check_options(options));
  HYPRSTREAM_TRY(check_trainable(model));
  HYPRSTREAM_ASSIGN(const auto base, read_base_model(model));
  HYPRSTREAM_ASSIGN(const auto start,
                    make_lora_adapter(base, {.name = options.name,
                                             .rank = options.rank,
                                             .alpha = options.alpha,
                                             .target_modules = options.target_modules.empty() ? base.modules()
                                                                                              : options.target_modules,
                                             .init = LoraInit::kStandard,
                                             .seed = options.seed}));
  return create(model, options, start);
}

Result<std::unique_ptr<LoraTrainer>> LoraTrainer::create(const std::filesystem::path& model,
                                                         const LoraTrainingOptions& options, const LoraAdapter& start) {
  HYPRSTREAM_TRY(check_options(options));
  HYPRSTREAM_ASSIGN(auto frozen, FrozenModel::open(model));
  HYPRSTREAM_ASSIGN(const auto base, read_base_model(model));
  HYPRSTREAM_TRY(check_fits(start, base));
  HYPRSTREAM_ASSIGN(auto adapter, TrainableAdapter::create(start));
  auto used = options;
  const auto& description = start.description();
  used.name = description.name;
  used.rank = description.rank;
  used.alpha = description.alpha;
  used.target_modules = description.target_modules;
  if (used.threads == 0) used.threads = usable_cores();
  used.max_tokens_per_pass = std::max<std::size_t>(used.max_tokens_per_pass, 1);
  HYPRSTREAM_ASSIGN(auto pool, ThreadPool::create(used.threads));
  return std::make_unique<Trainer>(std::move(used), std::move(frozen), std::move(pool), std::move(adapter));
}

}  // namespace hyprstream
