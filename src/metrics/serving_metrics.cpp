#include "metrics/serving_metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <map>
#include <mutex>
#include <set>

namespace hyprstream {
namespace {

using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::BuildHistogram;
using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;
using Buckets = Histogram::BucketBoundaries;

constexpr std::size_t kMostLabels = 1000;

const Buckets kSecondsToFirstToken = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60};
const Buckets kSecondsBetweenTokens = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5};
const Buckets kSequences = {1, 2, 4, 8, 16, 32, 64, 128};

std::string outcome_name(RequestOutcome outcome) {
  switch (outcome) {
    case RequestOutcome::kFinished: return "finished";
    case RequestOutcome::kCancelled: return "cancelled";
    case RequestOutcome::kFailed: return "failed";
  }
  return "failed";
}

template <typename Builder>
auto& family(prometheus::Registry& registry, Builder builder, const char* name, const char* help) {
  return builder.Name(name).Help(help).Register(registry);
}

}  // namespace

struct ServingMetrics::Impl {
  prometheus::Registry registry;
  Family<Counter>& requests = family(registry, BuildCounter(), "hyprstream_requests_total", "Requests that have ended");
  Family<Counter>& prompt_tokens = family(registry, BuildCounter(), "hyprstream_prompt_tokens_total",
                                          "Tokens of prompts, those from the prefix cache included");
  Family<Counter>& cached_tokens = family(registry, BuildCounter(), "hyprstream_cached_prompt_tokens_total",
                                          "Tokens of prompts taken from the prefix cache");
  Family<Counter>& generated_tokens =
      family(registry, BuildCounter(), "hyprstream_generated_tokens_total", "Tokens generated");
  Family<Histogram>& first_token = family(registry, BuildHistogram(), "hyprstream_time_to_first_token_seconds",
                                          "From a request's arrival to its first token");
  Family<Histogram>& token_gap =
      family(registry, BuildHistogram(), "hyprstream_inter_token_seconds", "Between two tokens of one text");
  Family<Histogram>& queue_time = family(registry, BuildHistogram(), "hyprstream_queue_seconds",
                                         "From a request's arrival to the first step that holds it");
  Family<Counter>& responses = family(registry, BuildCounter(), "hyprstream_http_responses_total", "Answers over HTTP");
  Histogram& batch =
      family(registry, BuildHistogram(), "hyprstream_batch_sequences", "Sequences in a step of the model")
          .Add({}, kSequences);
  Histogram& step_seconds = family(registry, BuildHistogram(), "hyprstream_step_seconds", "Time of a step of the model")
                                .Add({}, kSecondsBetweenTokens);
  Counter& step_prompt_tokens =
      family(registry, BuildCounter(), "hyprstream_prefilled_tokens_total", "Prompt tokens that were computed").Add({});

  Gauge& gauge(const char* name, const char* help) { return family(registry, BuildGauge(), name, help).Add({}); }
  Gauge& running = gauge("hyprstream_running_sequences", "Texts being generated now");
  Gauge& waiting = gauge("hyprstream_queue_depth", "Requests that wait for a slot now");
  Gauge& kv_tokens = gauge("hyprstream_kv_tokens", "Tokens in the KV cache, cached prefixes included");
  Gauge& kv_cached = gauge("hyprstream_kv_cached_tokens", "Of them, those of cached prefixes alone");
  Gauge& kv_capacity = gauge("hyprstream_kv_capacity_tokens", "Tokens that the KV cache can hold");
  Gauge& adapter_bytes = gauge("hyprstream_adapter_memory_bytes", "Memory of all adapters that are loaded");
  Gauge& adapter_budget = gauge("hyprstream_adapter_memory_budget_bytes", "Memory that unused adapters may take");
  Family<Gauge>& resident =
      family(registry, BuildGauge(), "hyprstream_adapter_resident_bytes", "Memory of each adapter that is loaded");
  Counter& loads =
      family(registry, BuildCounter(), "hyprstream_adapter_loads_total", "Adapters read from disk").Add({});
  Counter& evictions =
      family(registry, BuildCounter(), "hyprstream_adapter_evictions_total", "Adapters dropped to make room").Add({});

  // Of one adapter; belongs to the inference thread.
  struct Series {
    Histogram* first_token;
    Histogram* token_gap;
    Histogram* queue_time;
    Counter* prompt_tokens;
    Counter* cached_tokens;
    Counter* generated_tokens;
  };
  std::map<std::string, Series> series;

  std::pair<std::string, Series*> of(const std::string& label) {
    auto found = series.find(label);
    const std::string name = found == series.end() && series.size() >= kMostLabels ? "other" : label;
    if (found == series.end()) found = series.find(name);
    if (found == series.end()) {
      const prometheus::Labels labels = {{"adapter", name}};
      found = series
                  .emplace(name, Series{&first_token.Add(labels, kSecondsToFirstToken),
                                        &token_gap.Add(labels, kSecondsBetweenTokens),
                                        &queue_time.Add(labels, kSecondsToFirstToken), &prompt_tokens.Add(labels),
                                        &cached_tokens.Add(labels), &generated_tokens.Add(labels)})
                  .first;
    }
    return {found->first, &found->second};
  }

  std::mutex render_mutex;  // one scrape at a time sets the gauges
  std::map<std::string, Gauge*> resident_gauges;
};

ServingMetrics::ServingMetrics() : impl_(std::make_unique<Impl>()) {}
ServingMetrics::~ServingMetrics() = default;

void ServingMetrics::on_request_end(const RequestReport& report) {
  const auto [adapter, series] = impl_->of(report.label);
  impl_->requests
      .Add({{"adapter", adapter},
            {"kind", report.embedding ? "embedding" : "generation"},
            {"outcome", outcome_name(report.outcome)}})
      .Increment();
  // Nothing was computed for one that left the queue without a turn.
  if (!report.started) return;
  series->queue_time->Observe(report.usage.queue_seconds);
  series->prompt_tokens->Increment(report.usage.prompt_tokens);
  series->cached_tokens->Increment(report.usage.cached_tokens);
  series->generated_tokens->Increment(report.usage.completion_tokens);
}

void ServingMetrics::on_step(const StepReport& report) {
  impl_->batch.Observe(report.sequences);
  impl_->step_seconds.Observe(report.seconds);
  impl_->step_prompt_tokens.Increment(report.prompt_tokens);
}

void ServingMetrics::on_first_token(const std::string& label, double seconds) {
  impl_->of(label).second->first_token->Observe(seconds);
}

void ServingMetrics::on_token_gap(const std::string& label, double seconds) {
  impl_->of(label).second->token_gap->Observe(seconds);
}

void ServingMetrics::count_response(std::string_view method, std::string_view route, int status) {
  impl_->responses
      .Add({{"method", std::string(method)}, {"route", std::string(route)}, {"status", std::to_string(status)}})
      .Increment();
}

std::string ServingMetrics::render(const ServiceState& service, const ResidencyState& adapters) {
  auto& metrics = *impl_;
  const std::scoped_lock lock(metrics.render_mutex);
  metrics.running.Set(service.running);
  metrics.waiting.Set(service.waiting);
  metrics.kv_tokens.Set(service.kv_tokens);
  metrics.kv_cached.Set(service.cached_tokens);
  metrics.kv_capacity.Set(service.kv_capacity);
  metrics.adapter_bytes.Set(static_cast<double>(adapters.bytes));
  metrics.adapter_budget.Set(static_cast<double>(adapters.budget));
  metrics.loads.Increment(static_cast<double>(adapters.loads) - metrics.loads.Value());
  metrics.evictions.Increment(static_cast<double>(adapters.evictions) - metrics.evictions.Value());
  std::set<std::string> there;
  for (const auto& [adapter, bytes, pinned, in_use] : adapters.adapters) {
    const auto name = adapter.name + "@" + std::to_string(adapter.version);
    there.insert(name);
    auto& gauge = metrics.resident_gauges[name];
    if (gauge == nullptr) gauge = &metrics.resident.Add({{"adapter", name}});
    gauge->Set(static_cast<double>(bytes));
  }
  std::erase_if(metrics.resident_gauges, [&](const auto& entry) {
    if (there.contains(entry.first)) return false;
    metrics.resident.Remove(entry.second);
    return true;
  });
  return prometheus::TextSerializer().Serialize(metrics.registry.Collect());
}

}  // namespace hyprstream
