// SQL's functions on an inference service: rows of one call, and of all others at the time, share the model's steps.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "catalog/model_functions.hpp"
#include "cli_options/engine_flags.hpp"
#include "serving/adapter_residency.hpp"
#include "serving/inference_service.hpp"

namespace hyprstream {

struct ServedModel {
  InferenceService* service = nullptr;
  AdapterResidency* adapters = nullptr;
};

// What SQL asks; both must outlive it. Thread-safe.
class ServedModelFunctions final : public ModelFunctions {
 public:
  explicit ServedModelFunctions(ServedModel model) : model_(model) {}

  RowResults<std::string> generate(std::span<const GenerateCall> calls, const CallLimits& limits) override;
  RowResults<double> perplexity(std::span<const PerplexityCall> calls, const CallLimits& limits) override;
  RowResults<std::vector<float>> embed(std::span<const std::string> texts, const CallLimits& limits) override;
  RowResults<std::vector<std::int32_t>> tokenize(std::span<const std::string> texts) override;

 private:
  ServedModel model_;
};

// The same, made when something is asked for the first time: most statements need no model. Thread-safe.
class LazyModelFunctions final : public ModelFunctions {
 public:
  using Make = std::function<Result<std::shared_ptr<ModelFunctions>>()>;
  explicit LazyModelFunctions(Make make) : make_(std::move(make)) {}

  RowResults<std::string> generate(std::span<const GenerateCall> calls, const CallLimits& limits) override;
  RowResults<double> perplexity(std::span<const PerplexityCall> calls, const CallLimits& limits) override;
  RowResults<std::vector<float>> embed(std::span<const std::string> texts, const CallLimits& limits) override;
  RowResults<std::vector<std::int32_t>> tokenize(std::span<const std::string> texts) override;

 private:
  Result<std::shared_ptr<ModelFunctions>> get();

  std::mutex mutex_;
  Make make_;
  std::shared_ptr<ModelFunctions> made_;
};

// Loads the model and starts a service of its own for SQL. `interrupt` must outlive it. Errors: those of
// read_base_model(), load_engine() and InferenceService::create().
Result<std::shared_ptr<ModelFunctions>> load_model_functions(const EngineFlags& flags, const std::string& model_path,
                                                             InterruptScope& interrupt);

}  // namespace hyprstream
