// Fifty steps of PyTorch against ours: tests/data/training/README.md says where they come from.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "adapter_files/peft_directory.hpp"
#include "training/lora_trainer.hpp"

namespace hyprstream {
namespace {

const std::filesystem::path kData = HYPRSTREAM_SOURCE_DIR "/tests/data/training";

nlohmann::json read_json(const std::filesystem::path& path) {
  std::ifstream file(path);
  return nlohmann::json::parse(file);
}

double relative_distance(const LoraFactor& a, const LoraFactor& b) {
  const auto left = a.to_dense(), right = b.to_dense();
  double distance = 0, norm = 0;
  for (std::size_t i = 0; i < left.size(); ++i) {
    const auto x = static_cast<double>(left[i]), y = static_cast<double>(right[i]);
    distance += (x - y) * (x - y);
    norm += y * y;
  }
  return std::sqrt(distance / norm);
}

class TorchOracle : public testing::TestWithParam<const char*> {};

TEST_P(TorchOracle, LossCurveAndWeightsAgree) {
  const auto folder = kData / GetParam();
  const auto run = read_json(kData / "run.json"), curve = read_json(folder / "curve.json");
  const auto base = read_base_model(folder / "base.gguf");
  ASSERT_TRUE(base) << base.error().message;
  const auto start = read_peft_directory(folder / "start", *base),
             trained = read_peft_directory(folder / "trained", *base);
  ASSERT_TRUE(start) << start.error().message;
  ASSERT_TRUE(trained) << trained.error().message;

  LoraTrainingOptions options;
  options.sparsity = 0;
  options.beta1 = run.at("beta1");
  options.beta2 = run.at("beta2");
  options.epsilon = run.at("epsilon");
  options.weight_decay = run.at("weight_decay");
  options.max_grad_norm = run.at("max_grad_norm");
  options.total_steps = run.at("learning_rates").size();
  options.threads = 2;
  const auto trainer = LoraTrainer::create(folder / "base.gguf", options, *start);
  ASSERT_TRUE(trainer) << trainer.error().message;

  std::vector<TrainingExample> examples;
  for (const auto& example : run.at("examples"))
    examples.push_back({.tokens = example.at("tokens"), .is_target = example.at("is_target")});
  const std::size_t first = run.at("batches")[0], second = run.at("batches")[1];
  ASSERT_EQ(examples.size(), options.total_steps * (first + second));
  for (std::size_t step = 0; step < options.total_steps; ++step) {
    const auto all = std::span<const TrainingExample>(examples).subspan(step * (first + second), first + second);
    const MicroBatch batches[] = {all.first(first), all.subspan(first)};
    const auto done = (*trainer)->step(batches, run.at("learning_rates")[step]);
    ASSERT_TRUE(done) << done.error().message;
    ASSERT_NEAR(done->loss, curve.at("losses")[step].get<double>(), 1e-3) << "step " << step;
    ASSERT_NEAR(done->grad_norm, curve.at("grad_norms")[step].get<double>(), 1e-2 * done->grad_norm) << "step " << step;
  }
  const auto ours = (*trainer)->adapter();
  ASSERT_TRUE(ours) << ours.error().message;
  ASSERT_EQ(ours->pairs().size(), 21U);
  for (std::size_t i = 0; i < ours->pairs().size(); ++i) {
    EXPECT_LT(relative_distance(ours->pairs()[i].a, trained->pairs()[i].a), 1e-3) << "A of pair " << i;
    EXPECT_LT(relative_distance(ours->pairs()[i].b, trained->pairs()[i].b), 1e-3) << "B of pair " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Architectures, TorchOracle, testing::Values("llama", "qwen2", "qwen3"));

}  // namespace
}  // namespace hyprstream
