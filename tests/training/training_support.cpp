#include "training_support.hpp"

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <iostream>
#include <random>

#include "adapter/lora_init.hpp"

namespace hyprstream::testing_support {
namespace {

template <typename T>
T or_exit(Result<T> result) {
  if (!result) {
    std::cerr << result.error().message << '\n';
    std::exit(1);
  }
  return std::move(*result);
}

}  // namespace

ModelFile::ModelFile(const SyntheticModelSpec& spec) {
  static std::atomic<int> count = 0;
  path_ = std::filesystem::temp_directory_path() /
          (std::to_string(::getpid()) + "-train-" + std::to_string(count++) + ".gguf");
  if (const auto written = write_synthetic_model(spec, path_); !written) {
    std::cerr << written.error().message << '\n';
    std::exit(1);
  }
}

ModelFile::~ModelFile() { std::filesystem::remove(path_); }

SyntheticModelSpec small_model(std::string_view architecture, TensorType type) {
  SyntheticModelSpec spec;
  spec.architecture = architecture;
  spec.layers = 3;
  spec.hidden = 96;
  spec.feed_forward = 160;
  spec.heads = 4;
  spec.kv_heads = 2;
  spec.head_size = architecture == "qwen3" ? 40 : 24;
  spec.vocabulary = 300;
  spec.tied = architecture != "llama";
  spec.type = type;
  return spec;
}

std::vector<TrainingExample> random_examples(std::vector<std::size_t> lengths, std::size_t vocabulary,
                                             double target_share, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> chance;
  std::vector<TrainingExample> examples;
  for (const std::size_t length : lengths) {
    auto& example = examples.emplace_back();
    for (std::size_t i = 0; i < length; ++i) {
      example.tokens.push_back(static_cast<Token>(random() % vocabulary));
      example.is_target.push_back(chance(random) < target_share ? 1 : 0);
    }
  }
  return examples;
}

LoraAdapter random_adapter(const std::filesystem::path& model, std::size_t rank, unsigned seed) {
  const auto base = or_exit(read_base_model(model));
  auto adapter = or_exit(make_lora_adapter(base, {.name = "random",
                                                  .rank = rank,
                                                  .alpha = 8.0 * static_cast<double>(rank),
                                                  .target_modules = base.modules(),
                                                  .init = LoraInit::kGaussian,
                                                  .seed = seed}));
  return adapter;
}

}  // namespace hyprstream::testing_support
