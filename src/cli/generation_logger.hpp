// From what the inference service reports to the log of generations.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "catalog/generation_log.hpp"
#include "serving/inference_service.hpp"
#include "serving/observer.hpp"

namespace hyprstream {

// Logs nothing before begin() and after finish(). The observer's functions belong to the inference thread; begin() and
// finish() may come from another.
class GenerationLogger final : public ServingObserver {
 public:
  // `engine` makes text of tokens and must outlive finish().
  void begin(std::unique_ptr<GenerationLog> log, std::string model, const RuntimeEngine& engine, bool log_prompts);
  // Writes what waits.
  void finish();

  void on_request_end(const RequestReport& report) override;
  void on_step(const StepReport&) override {}
  void on_first_token(const std::string&, double) override {}
  void on_token_gap(const std::string&, double) override {}

 private:
  std::mutex mutex_;
  std::unique_ptr<GenerationLog> log_;
  std::string model_;
  const RuntimeEngine* engine_ = nullptr;
  bool log_prompts_ = false;
};

}  // namespace hyprstream
