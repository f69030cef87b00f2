#include "cli/generation_logger.hpp"

#include <format>
#include <utility>

namespace hyprstream {
namespace {

std::string_view outcome_name(RequestOutcome outcome) {
  switch (outcome) {
    case RequestOutcome::kFinished: return "finished";
    case RequestOutcome::kCancelled: return "cancelled";
    case RequestOutcome::kFailed: return "failed";
  }
  return "failed";
}

// On the log's thread: making text of tokens takes its time.
GenerationRecord make_record(const RequestReport& report, const std::string& model, const RuntimeEngine& engine,
                             bool log_prompts) {
  GenerationRecord record{.time = report.submitted,
                          .kind = report.embedding ? "reading" : "generation",
                          .model = model,
                          .client = report.client,
                          .outcome = std::string(outcome_name(report.outcome)),
                          .prompt_tokens = report.usage.prompt_tokens,
                          .cached_tokens = report.usage.cached_tokens,
                          .completion_tokens = report.usage.completion_tokens,
                          .queue_seconds = report.usage.queue_seconds,
                          .prefill_seconds = report.usage.prompt_seconds,
                          .first_token_seconds = report.usage.first_token_seconds,
                          .decode_seconds = report.usage.generation_seconds};
  for (const auto& [adapter, scale] : report.adapters)
    record.adapters.push_back(std::format("{}@{}", adapter.name, adapter.version));
  if (!report.finish_reasons.empty()) record.finish_reason = finish_reason_name(report.finish_reasons.front());
  if (log_prompts && !report.embedding) {
    record.prompt = engine.detokenize(report.prompt, /*special=*/true);
    if (!report.answers.empty()) record.completion = engine.detokenize(report.answers.front(), /*special=*/false);
  }
  return record;
}

}  // namespace

void GenerationLogger::begin(std::unique_ptr<GenerationLog> log, std::string model, const RuntimeEngine& engine,
                             bool log_prompts) {
  const std::scoped_lock lock(mutex_);
  log_ = std::move(log);
  model_ = std::move(model);
  engine_ = &engine;
  log_prompts_ = log_prompts;
}

void GenerationLogger::finish() {
  std::unique_ptr<GenerationLog> log;
  {
    const std::scoped_lock lock(mutex_);
    log = std::move(log_);
  }
  log.reset();  // writes, without holding up the inference thread
}

void GenerationLogger::on_request_end(const RequestReport& report) {
  const std::scoped_lock lock(mutex_);
  if (log_ == nullptr) return;
  log_->add([report, model = model_, engine = engine_, log_prompts = log_prompts_] {
    return make_record(report, model, *engine, log_prompts);
  });
}

}  // namespace hyprstream
