// What Prometheus is told about the server: https://prometheus.io/docs/instrumenting/exposition_formats/ (text, 0.0.4).
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "serving/adapter_residency.hpp"
#include "serving/inference_service.hpp"
#include "serving/observer.hpp"

namespace hyprstream {

// Counters and histograms of an InferenceService's work, each also per adapter: the label `adapter` is "" for the base
// model, "a+b" for two at once, and "other" beyond the first 1,000 combinations, so that clients cannot fill the
// memory. The observer's functions belong to the inference thread; the others are thread-safe.
class ServingMetrics final : public ServingObserver {
 public:
  ServingMetrics();
  ~ServingMetrics() override;

  void on_request_end(const RequestReport& report) override;
  void on_step(const StepReport& report) override;
  void on_first_token(const std::string& label, double seconds) override;
  void on_token_gap(const std::string& label, double seconds) override;

  // `route`: the pattern, not the path that a client sent.
  void count_response(std::string_view method, std::string_view route, int status);

  // The whole text; `service` and `adapters` are what is true now.
  std::string render(const ServiceState& service, const ResidencyState& adapters);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hyprstream
