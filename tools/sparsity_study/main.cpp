// sparsity_study: trains one adapter and prints what it has gained on held-out examples, as a line of JSON.
// docs/sparsity.md has the figures; study.py runs the many that they take.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "adapter/base_model.hpp"
#include "adapter/lora_init.hpp"
#include "adapter/sparsify.hpp"
#include "training/lora_trainer.hpp"
#include "training_data/batch_plan.hpp"
#include "training_data/example_encoding.hpp"
#include "training_job/learning_rate.hpp"

namespace {

using namespace hyprstream;

struct Settings {
  std::string model, train, heldout;
  std::size_t epochs = 3;
  LearningRate rate;
  BatchOptions batch;
  LoraTrainingOptions trainer;
  std::vector<double> one_shot;  // sparsities that the trained adapter is pruned to at once, besides
};

template <typename T>
T value_of(Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "sparsity_study: %s\n", result.error().message.c_str());
    std::exit(1);
  }
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

std::vector<TrainingExample> read(const ModelText& text, const std::string& path) {
  return value_of(encode_examples(text, value_of(read_examples(path)), {})).examples;
}

// Of examples, those whose every target token is the most likely one: what greedy generation answers exactly.
double exact_share(LoraTrainer& trainer, const std::vector<TrainingExample>& examples, bool with_adapter) {
  const auto hits = value_of(trainer.predict(examples, with_adapter));
  std::size_t exact = 0;
  for (std::size_t i = 0; i < examples.size(); ++i) {
    bool all = true;
    for (std::size_t t = 1; t < examples[i].tokens.size(); ++t)
      all = all && (examples[i].is_target[t] == 0 || hits[i][t] != 0);
    exact += all ? 1 : 0;
  }
  return static_cast<double>(exact) / static_cast<double>(examples.size());
}

void train(LoraTrainer& trainer, const Settings& settings, const std::vector<TrainingExample>& examples) {
  std::vector<std::size_t> lengths;
  for (const auto& example : examples) lengths.push_back(example.tokens.size());
  BatchPlan plan(lengths, settings.batch);
  for (std::size_t step = 0; step < settings.rate.total_steps; ++step) {
    std::vector<std::vector<TrainingExample>> batches;
    for (const auto& places : plan.at(step)) {
      auto& batch = batches.emplace_back();
      for (const auto place : places) batch.push_back(examples[place]);
    }
    const std::vector<MicroBatch> views(batches.begin(), batches.end());
    value_of(trainer.step(views, settings.rate.at(step)));
  }
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  settings.trainer.threads = 1;
  settings.rate.peak = 1e-3;
  std::string modules = "all";
  CLI::App app("Trains one adapter and prints its loss on held-out examples.");
  app.add_option("--model", settings.model)->required();
  app.add_option("--train", settings.train, "JSONL")->required();
  app.add_option("--heldout", settings.heldout, "JSONL")->required();
  app.add_option("--epochs", settings.epochs)->capture_default_str();
  app.add_option("--learning-rate", settings.rate.peak)->capture_default_str();
  app.add_option("--warmup", settings.rate.warmup)->capture_default_str();
  app.add_option("--batch-size", settings.batch.batch_size)->capture_default_str();
  app.add_option("--rank", settings.trainer.rank)->capture_default_str();
  app.add_option("--alpha", settings.trainer.alpha)->capture_default_str();
  app.add_option("--target-modules", modules, "all, or some, by commas")->capture_default_str();
  app.add_option("--sparsity", settings.trainer.sparsity, "0: dense")->capture_default_str();
  app.add_option("--prune-begin", settings.trainer.prune_begin)->capture_default_str();
  app.add_option("--prune-end", settings.trainer.prune_end)->capture_default_str();
  app.add_option("--seed", settings.trainer.seed)->capture_default_str();
  app.add_option("--one-shot", settings.one_shot, "also prune the result to this at once")->delimiter(',');
  app.add_option("--threads", settings.trainer.threads)->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  settings.batch.seed = settings.trainer.seed;

  settings.trainer.target_modules = value_of(parse_target_modules(modules, value_of(read_base_model(settings.model))));

  const auto text = value_of(open_model_text(settings.model));
  const auto examples = read(*text, settings.train);
  const auto heldout = read(*text, settings.heldout);
  std::vector<std::size_t> lengths(examples.size(), 2);
  settings.rate.total_steps = settings.trainer.total_steps =
      settings.epochs * BatchPlan(lengths, settings.batch).steps_per_epoch();
  const auto trainer = value_of(LoraTrainer::create(settings.model, settings.trainer));
  nlohmann::ordered_json line;
  line["base_loss"] = value_of(trainer->evaluate(heldout, false)).loss;
  line["base_exact"] = exact_share(*trainer, heldout, false);
  train(*trainer, settings, examples);
  const auto adapter = value_of(trainer->adapter());
  line["loss"] = value_of(trainer->evaluate(heldout, true)).loss;
  line["exact"] = exact_share(*trainer, heldout, true);
  line["train_loss"] = value_of(trainer->evaluate(examples, true)).loss;
  line["nnz"] = adapter.nnz();
  line["entries"] = adapter.entries();
  for (const double sparsity : settings.one_shot) {
    const auto pruned = value_of(sparsify(adapter, {.sparsity = sparsity}));
    auto options = settings.trainer;
    options.sparsity = 0;
    const auto other = value_of(LoraTrainer::create(settings.model, options, pruned));
    line["one_shot"].push_back({{"sparsity", sparsity},
                                {"loss", value_of(other->evaluate(heldout, true)).loss},
                                {"exact", exact_share(*other, heldout, true)},
                                {"nnz", pruned.nnz()}});
  }
  std::printf("%s\n", line.dump().c_str());
}
