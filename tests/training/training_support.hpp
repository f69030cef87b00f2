// Small models, random examples and adapters for the tests of this folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "adapter/lora_adapter.hpp"
#include "synthetic_model/synthetic_model.hpp"
#include "training/training_example.hpp"

namespace hyprstream::testing_support {

// A model file that is removed at the end.
class ModelFile {
 public:
  explicit ModelFile(const SyntheticModelSpec& spec);
  ~ModelFile();
  ModelFile(const ModelFile&) = delete;
  ModelFile& operator=(const ModelFile&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// One of "llama", "qwen2", "qwen3"; heads share keys, and are not hidden / heads wide.
SyntheticModelSpec small_model(std::string_view architecture, TensorType type = TensorType::kF32);

// Random tokens; every token but the first is a target with this chance.
std::vector<TrainingExample> random_examples(std::vector<std::size_t> lengths, std::size_t vocabulary,
                                             double target_share = 0.7, unsigned seed = 5);

// Dense, with A and B of about `deviation` in relation to the weight's own size: it changes the logits visibly.
LoraAdapter random_adapter(const std::filesystem::path& model, std::size_t rank, unsigned seed = 9);

}  // namespace hyprstream::testing_support
