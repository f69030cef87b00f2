#include "training_job/training_setup.hpp"

#include <algorithm>
#include <chrono>
#include <format>
#include <span>
#include <utility>

#include "adapter/sparsify.hpp"
#include "base/memory.hpp"
#include "gguf/model_info.hpp"
#include "training/trainable.hpp"

namespace hyprstream {
namespace {

constexpr std::size_t kMostHeldOut = 200;
// A has its first gradient in the second step, since B begins as zero; before that nothing tells what to keep of A. And
// what is kept needs a step to make up for the rest.
constexpr std::size_t kPruningSteps = 3;
// Value, gradient, two moments and whether it lives; the adapter to begin with, and what choosing the living takes.
constexpr std::size_t kBytesPerEntry = 4 * 4 + 1 + 4 + 3 * 4;

void hold_out(TrainingData& data, std::span<const std::size_t> places) {
  for (const auto place : places) data.validation.push_back(std::move(data.training[place]));
  for (std::size_t i = places.size(); i-- > 0;)
    data.training.erase(data.training.begin() + static_cast<std::ptrdiff_t>(places[i]));
}

// Of one example: what was asked for, and what the model was trained for.
Result<std::size_t> tokens_allowed(const TrainingRunOptions& options) {
  HYPRSTREAM_ASSIGN(const auto file, GgufFile::open(options.base));
  HYPRSTREAM_ASSIGN(const auto info, read_model_info(file));
  return std::min(options.max_tokens, static_cast<std::size_t>(std::max(info.context_length, 2)));
}

}  // namespace

std::vector<std::size_t> held_out_places(std::size_t examples, double share, std::uint64_t seed) {
  if (examples == 0) return {};
  const auto wanted = static_cast<std::size_t>(share * static_cast<double>(examples));
  // Another order than that of any epoch.
  auto places = shuffled_places(examples, ~seed);
  places.resize(std::min({wanted, kMostHeldOut, examples - 1}));
  std::ranges::sort(places);
  return places;
}

Result<void> check_run_options(const TrainingRunOptions& options) {
  HYPRSTREAM_TRY(check_adapter_name(options.name));
  if (options.iterations && *options.iterations == 0)
    return fail(ErrorCode::kInvalidArgument, "0 steps would learn nothing");
  return check_trainable(options.base);
}

Result<void> check_adapter_options(const TrainingRunOptions& options, const BaseModel& base,
                                   const AdapterStore& store) {
  HYPRSTREAM_ASSIGN(const auto modules, parse_target_modules(options.target_modules, base));
  std::size_t widest = 0;
  std::size_t entries = 0;
  for (const auto& linear : base.linears)
    if (std::ranges::contains(modules, linear.id.module)) {
      widest = std::max({widest, linear.in, linear.out});
      entries += options.rank * (linear.in + linear.out);
    }
  if (options.rank > widest)
    return fail(
        ErrorCode::kInvalidArgument,
        std::format("a rank of {} is more than the {} values that the layers of {} are wide: choose a smaller one",
                    options.rank, widest, base.name));
  if (kept_entries(entries, options.sparsity) == 0)
    return fail(
        ErrorCode::kInvalidArgument,
        std::format("a sparsity of {} leaves none of the adapter's {} values: choose a smaller one, or a larger "
                    "rank",
                    options.sparsity, entries));
  if (const auto memory = available_memory(); memory && entries * kBytesPerEntry > *memory)
    return fail(
        ErrorCode::kResourceExhausted,
        std::format("training {} values takes {} MB, and {} MB are free: choose a smaller rank or fewer modules",
                    entries, (entries * kBytesPerEntry) >> 20, *memory >> 20));
  if (options.iterations) HYPRSTREAM_TRY(trainer_options(options, base, *options.iterations));
  const auto versions = store.versions(options.name);
  if (versions.empty()) return {};
  HYPRSTREAM_ASSIGN(const auto newest, store.load(versions.back()));
  if (const auto fits = check_fits(newest, base); !fits)
    return fail(ErrorCode::kInvalidArgument,
                std::format("the stored adapter '{}' is of another model ({}): choose another name", options.name,
                            fits.error().message));
  return {};
}

Result<ReadData> read_training_data(const ModelText& model, const TrainingRunOptions& options,
                                    const EncodingProgress& progress) {
  HYPRSTREAM_ASSIGN(const auto examples, read_examples(options.data));
  return read_training_data(model, options, examples, progress);
}

Result<ReadData> read_training_data(const ModelText& model, const TrainingRunOptions& options,
                                    const ExampleFile& examples, const EncodingProgress& progress,
                                    std::string_view remedy) {
  HYPRSTREAM_ASSIGN(const auto most_tokens, tokens_allowed(options));
  const EncodingOptions encoding{
      .mask_prompt = options.mask_prompt, .max_tokens = most_tokens, .truncate = options.truncate, .remedy = remedy};
  ReadData result;
  result.most_tokens = most_tokens;
  HYPRSTREAM_ASSIGN(auto training, encode_examples(model, examples, encoding, progress));
  result.truncated = training.truncated;
  result.target_tokens = training.target_tokens;
  result.unlearned_answers = training.unlearned_answers;
  result.data.training = std::move(training.examples);
  if (options.validation) {
    HYPRSTREAM_ASSIGN(const auto file, read_examples(*options.validation));
    HYPRSTREAM_ASSIGN(auto validation, encode_examples(model, file, encoding, progress));
    result.truncated += validation.truncated;
    result.data.validation = std::move(validation.examples);
  } else {
    const auto places = held_out_places(result.data.training.size(), options.validation_split, options.seed);
    hold_out(result.data, places);
  }
  return result;
}

Result<LoraTrainingOptions> trainer_options(const TrainingRunOptions& options, const BaseModel& base,
                                            std::size_t steps) {
  LoraTrainingOptions trainer;
  trainer.name = options.name;
  trainer.rank = options.rank;
  trainer.alpha = options.alpha;
  HYPRSTREAM_ASSIGN(trainer.target_modules, parse_target_modules(options.target_modules, base));
  trainer.seed = options.seed;
  trainer.sparsity = options.sparsity;
  trainer.total_steps = steps;
  if (options.sparsity > 0) {
    if (steps <= kPruningSteps)
      return fail(ErrorCode::kInvalidArgument,
                  std::format("{} too few to prune an adapter while it learns: train for more than {}, with more "
                              "epochs or steps, or train a dense one (sparsity 0)",
                              steps == 1 ? "1 step is" : std::format("{} steps are", steps), kPruningSteps));
    trainer.prune_end = std::max(trainer.prune_end, static_cast<double>(kPruningSteps) / static_cast<double>(steps));
  }
  trainer.weight_decay = options.weight_decay;
  trainer.max_grad_norm = options.max_grad_norm;
  trainer.threads = options.threads;
  return trainer;
}

TrainingRunRecord new_run_record(const TrainingRunOptions& options, const BaseModel& base, std::string_view id_prefix) {
  TrainingRunRecord record;
  record.id = fresh_run_id(id_prefix);
  record.options = options;
  record.created_at = record.updated_at = utc_now();
  record.created_ns = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count());
  record.base_sha256 = base.header_sha256;
  return record;
}

Result<std::unique_ptr<TrainingJob>> make_training_job(TrainingRun run, const BaseModel& base, TrainingData data,
                                                       const AdapterStore& store) {
  const auto& record = run.record();
  if (record.base_sha256 != base.header_sha256)
    return fail(ErrorCode::kInvalidArgument,
                std::format("{} is not the model that the run {} began with, so it cannot go on", record.options.base,
                            record.id));
  const auto steps = total_steps(record.options, data.training.size());
  HYPRSTREAM_ASSIGN(const auto options, trainer_options(record.options, base, steps));
  HYPRSTREAM_ASSIGN(auto trainer, LoraTrainer::create(record.options.base, options));
  return TrainingJob::create(std::move(run), std::move(trainer), std::move(data), store);
}

Result<std::unique_ptr<TrainingJob>> start_training_job(const TrainingRunStore& runs, TrainingRunRecord record,
                                                        const BaseModel& base, TrainingData data,
                                                        const AdapterStore& store, std::string_view rows) {
  const std::string id = record.id;
  HYPRSTREAM_ASSIGN(auto run, runs.create(std::move(record), rows));
  auto job = make_training_job(std::move(run), base, std::move(data), store);
  if (!job) (void)runs.remove(id);
  return job;
}

}  // namespace hyprstream
