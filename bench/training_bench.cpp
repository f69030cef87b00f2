// Measures training steps of our trainer; training_torch.py does the same with PyTorch, and training_bench.py holds
// them against each other. Prints one JSON object.
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "bench_support.hpp"
#include "training/lora_trainer.hpp"

namespace {

using namespace hyprstream;
using namespace hyprstream::bench;

// The same tokens on both sides: step s, place i.
TrainingExample example_of(std::size_t step, std::size_t count) {
  TrainingExample example;
  for (std::size_t i = 0; i < count; ++i)
    example.tokens.push_back(static_cast<Token>((step * 104'729 + i * 7'919 + i * i * 31) % 150'000));
  example.is_target.assign(count, 1);
  return example;
}

}  // namespace

int main(int argc, char** argv) {
  std::string model;
  std::vector<std::string> targets = {"q_proj", "v_proj"};
  std::size_t tokens = 256, steps = 3;
  LoraTrainingOptions options;
  options.rank = 16;
  options.alpha = 32;
  options.sparsity = 0;
  CLI::App app("Training steps on one model.");
  app.add_option("-m,--model", model)->required();
  app.add_option("--targets", targets)->delimiter(',');
  app.add_option("--tokens", tokens);
  app.add_option("--steps", steps);
  app.add_option("--rank", options.rank);
  app.add_option("-t,--threads", options.threads);
  CLI11_PARSE(app, argc, argv);
  options.target_modules = parse_modules(targets);
  options.total_steps = steps + 1;
  const auto trainer = value_of(LoraTrainer::create(model, options));
  std::vector<double> losses, seconds;
  // The first step also reads the file and finds its memory.
  for (std::size_t step = 0; step <= steps; ++step) {
    const std::vector<TrainingExample> batch = {example_of(step, tokens)};
    const MicroBatch batches[] = {batch};
    const auto start = Clock::now();
    losses.push_back(value_of(trainer->step(batches, 1e-4)).loss);
    if (step > 0) seconds.push_back(seconds_since(start));
  }
  std::ranges::sort(seconds);
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  std::cout << nlohmann::ordered_json{{"tokens_per_second", static_cast<double>(tokens) / seconds[seconds.size() / 2]},
                                      {"peak_mb", static_cast<double>(usage.ru_maxrss) / 1024},
                                      {"losses", losses}}
                   .dump()
            << std::endl;
  return 0;
}
