// synthetic_model: writes a model with random weights, for benchmarks.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>
#include <string>

#include "synthetic_model/synthetic_model.hpp"

int main(int argc, char** argv) {
  using namespace hyprstream;
  CLI::App app("Writes a GGUF model with random weights and a synthetic byte-level BPE vocabulary.");
  std::string shape = "tiny";
  std::string architecture = "qwen3";
  TensorType type = TensorType::kQ4_0;
  std::uint64_t seed = 1;
  std::string output;
  bool untied = false;
  const std::map<std::string, TensorType> types = {{"f32", TensorType::kF32},
                                                   {"f16", TensorType::kF16},
                                                   {"bf16", TensorType::kBF16},
                                                   {"q8_0", TensorType::kQ8_0},
                                                   {"q4_0", TensorType::kQ4_0}};
  app.add_option("--shape", shape, "qwen3-0.6b, qwen3-1.7b or tiny")->capture_default_str();
  app.add_option("--arch", architecture, "qwen3, qwen2 or llama")->capture_default_str();
  app.add_option("--type", type, "type of every matrix, the embedding too (default q4_0)")
      ->transform(CLI::CheckedTransformer(types, CLI::ignore_case));
  app.add_option("--seed", seed, "same seed, same file")->capture_default_str();
  app.add_flag("--untied", untied, "give the output a matrix of its own");
  app.add_option("-o,--output", output, "the GGUF to write")->required();
  CLI11_PARSE(app, argc, argv);

  auto spec = synthetic_shape(shape);
  if (spec) {
    spec->architecture = architecture;
    spec->type = type;
    spec->seed = seed;
    spec->tied = !untied;
  }
  const Result<void> written = spec ? write_synthetic_model(*spec, output) : std::unexpected(spec.error());
  if (!written) std::fprintf(stderr, "synthetic_model: %s\n", written.error().message.c_str());
  return written ? 0 : 1;
}
