// An inference service on the bundled model, and reading its streams.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "serving/inference_service.hpp"

namespace hyprstream::testing_support {

// One choice, as its events tell.
struct ReadChoice {
  std::string text;
  std::vector<Token> tokens;
  std::vector<TokenScore> scores;
  std::optional<ChoiceEnd> end;
};

struct ReadAnswer {
  std::vector<ReadChoice> choices;
  std::optional<RequestUsage> usage;
  std::optional<Error> failure;
};

// Reads a stream to its end, at most two minutes.
ReadAnswer read_all(GenerationStream& stream, int choices = 1);

// Counts what observers are told.
struct CountingObserver final : ServingObserver {
  void on_request_end(const RequestReport& report) override { ended.push_back(report); }
  void on_step(const StepReport& report) override { steps.push_back(report); }
  void on_first_token(const std::string&, double) override { ++first_tokens; }
  void on_token_gap(const std::string&, double) override { ++gaps; }

  std::vector<RequestReport> ended;
  std::vector<StepReport> steps;
  int first_tokens = 0;
  int gaps = 0;
};

// With both layouts of the KV cache: name it in HYPRSTREAM_BOTH_LAYOUTS.
class ServiceTest : public testing::TestWithParam<KvCacheLayout> {
 protected:
  // `context_length`: of the KV cache that all share, or of each sequence; 0: 1024.
  void start(InferenceOptions options = {}, int context_length = 0);
  // The same with an engine of one's own.
  void start(std::unique_ptr<RuntimeEngine> engine, const InferenceOptions& options);

  // Greedy.
  ServingRequest request(std::string_view prompt, int max_tokens = 24) const;
  GenerationStream submit(ServingRequest request);
  ReadAnswer answer(ServingRequest request);
  // What an engine of its own generates, one request at a time.
  std::vector<Token> alone(const ServingRequest& request);
  void wait_until_idle();

  std::vector<std::shared_ptr<const LoraAdapter>> adapters_;
  CountingObserver observer_;
  std::unique_ptr<InferenceService> service_;

 private:
  std::unique_ptr<LoraEngine> reference_;
};

// An F32 engine for this service: float32 weights and cache, no flash attention, fixed threads.
std::unique_ptr<RuntimeEngine> exact_engine(const InferenceOptions& options, int context_length, KvCacheLayout layout);

#define HYPRSTREAM_BOTH_LAYOUTS(suite)                                                                      \
  INSTANTIATE_TEST_SUITE_P(Kv, suite, testing::Values(KvCacheLayout::kShared, KvCacheLayout::kPerSequence), \
                           [](const testing::TestParamInfo<KvCacheLayout>& layout) {                        \
                             return layout.param == KvCacheLayout::kShared ? "Shared" : "PerSequence";      \
                           })

RequestAdapter use(std::shared_ptr<const LoraAdapter> adapter, float scale = 1);

}  // namespace hyprstream::testing_support
