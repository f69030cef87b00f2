#include "cli_options/training_flags.hpp"

#include <filesystem>
#include <random>

#include "adapter/lora_init.hpp"

namespace hyprstream {
namespace {

constexpr int kMostSteps = 100'000'000;

std::string absolute(const std::string& path) { return std::filesystem::absolute(path).lexically_normal().string(); }

std::size_t or_zero(const std::optional<int>& number) { return static_cast<std::size_t>(number.value_or(0)); }

}  // namespace

void TrainingFlags::declare(ArgumentList& arguments) {
  arguments.begin_section("Data");
  arguments.file("--data,-d", "FILE", data,
                 "Examples, JSONL: an object with 'messages', with 'prompt' and 'completion', or with 'text' a line");
  arguments.text("--sql", "QUERY", sql,
                 "Rows of the user's database instead, with columns of these names; they are kept with the run");
  arguments.file("--valid", "FILE", validation, "Examples to measure the loss on", "a share of --data, held out");
  arguments.fraction("--validation-split", validation_split, "That share, of at most 200 examples", "0.1");
  arguments.flag("--mask-prompt", mask_prompt, "Only what the assistant says counts in the loss, as it does anyway");
  arguments.flag("--no-mask-prompt", no_mask_prompt, "Everything counts in the loss, prompts too");
  arguments.integer("--max-seq-length", max_tokens, {2, 1 << 20}, "Tokens that an example may have");
  arguments.flag("--truncate", truncate, "Cut longer ones at the end instead of refusing them");
  arguments.begin_section("Adapter");
  arguments.integer("--rank,-r", rank, {1, static_cast<int>(kMaxRank)}, "Rank of each A and B");
  arguments.number("--alpha", alpha, {1e-6, 1e6}, "Strength: W' = W + alpha / rank * B * A");
  arguments.text("--target-modules", "LIST", target_modules,
                 "Layers that it acts on, separated by commas: q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, "
                 "down_proj; or 'all'");
  arguments.fraction("--sparsity", sparsity, "Share of values that training prunes to zero; 0: a dense adapter",
                     "0.99");
  arguments.begin_section("Training");
  arguments.number("--epochs", epochs, {1e-3, 1e6}, "How often all examples are gone through",
                   "3, or as often as 100 steps take if that is more");
  arguments.integer("--iters", iterations, {1, kMostSteps}, "Optimizer steps, instead of --epochs",
                    "what the epochs take");
  arguments.integer("--batch-size", batch_size, {1, 4096}, "Examples evaluated side by side");
  arguments.integer("--grad-accumulation-steps", accumulation_steps, {1, 4096},
                    "Batches that one optimizer step is made of");
  arguments.number("--learning-rate", learning_rate, {1e-9, 10}, "Its peak", "0.001; 0.0002 for a dense adapter");
  arguments.choice("--schedule", "SCHEDULE", schedule, {"cosine", "linear", "constant"},
                   "How the learning rate goes on behind its peak");
  arguments.fraction("--warmup", warmup, "Share of the steps over which it rises to the peak", "0.05");
  arguments.number("--weight-decay", weight_decay, {0, 10}, "AdamW's");
  arguments.number("--max-grad-norm", max_grad_norm, {0, 1e6}, "Longer gradients are cut to this; 0: never");
  arguments.seed("--seed,-s", seed, "Start of the random numbers: first values and order of the examples");
  arguments.begin_section("Reports and versions");
  arguments.integer("--steps-per-report", steps_per_report, {1, kMostSteps}, "Steps between two reports",
                    "20 reports in all");
  arguments.integer("--steps-per-eval", steps_per_eval, {1, kMostSteps},
                    "Steps between two measurements of the validation loss", "once an epoch");
  arguments.integer("--save-every", save_every, {1, kMostSteps}, "Steps between two checkpoints",
                    "as --steps-per-eval, and every five minutes");
  arguments.choice(
      "--publish", "WHEN", publish, {"best", "end"},
      "When a version goes to the stored adapters: whenever validation became better than before, and than "
      "the base model, at the asked sparsity; or once at the end");
}

Result<TrainingRunOptions> TrainingFlags::options() const {
  if (!data && !sql)
    return fail(ErrorCode::kInvalidArgument,
                "there is nothing to learn from: name the examples with --data, or rows with --sql");
  if (data && sql) return fail(ErrorCode::kInvalidArgument, "--data and --sql both name the examples: drop one");
  if (mask_prompt && no_mask_prompt)
    return fail(ErrorCode::kInvalidArgument, "--mask-prompt and --no-mask-prompt contradict each other: drop one");
  if (validation && validation_split)
    return fail(ErrorCode::kInvalidArgument,
                "--validation-split holds examples of --data out if there is no --valid: drop one of the two");
  TrainingRunOptions options;
  if (data) options.data = absolute(*data);
  if (validation) options.validation = absolute(*validation);
  options.validation_split = validation_split.value_or(options.validation_split);
  options.mask_prompt = !no_mask_prompt;
  options.truncate = truncate;
  options.max_tokens = static_cast<std::size_t>(max_tokens);
  options.rank = static_cast<std::size_t>(rank);
  options.alpha = alpha;
  options.target_modules = target_modules;
  options.sparsity = sparsity.value_or(options.sparsity);
  options.epochs = epochs.value_or(0);
  if (iterations) options.iterations = static_cast<std::size_t>(*iterations);
  options.batch_size = static_cast<std::size_t>(batch_size);
  options.accumulation_steps = static_cast<std::size_t>(accumulation_steps);
  options.learning_rate = learning_rate.value_or(default_learning_rate(options.sparsity));
  options.schedule = parse_schedule(schedule).value_or(LearningRateSchedule::kCosine);
  options.warmup = warmup.value_or(options.warmup);
  options.weight_decay = weight_decay;
  options.max_grad_norm = max_grad_norm;
  options.seed = seed ? *seed : std::random_device()();
  options.steps_per_report = or_zero(steps_per_report);
  options.steps_per_eval = or_zero(steps_per_eval);
  options.save_every = or_zero(save_every);
  options.publish = publish == "end" ? PublishPolicy::kEnd : PublishPolicy::kBest;
  return options;
}

}  // namespace hyprstream
