// What comes of a step: tokens, texts, ends.
#include <algorithm>
#include <utility>

#include "serving/inference_loop.hpp"

namespace hyprstream {
namespace {

double seconds_between(ServingClock::time_point from, ServingClock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace

void InferenceLoop::hand_out(std::span<Part> parts, const StepOutput& output) {
  std::size_t row = 0;
  for (const auto& part : parts) {
    // What is handed out to one may end another: the choices of a request whose sampler has failed.
    const auto rows = part.outputs.size();
    if (find_task(part.id) != nullptr) {
      SequenceTask& task = *part.task;
      task.computed += part.tokens;
      ledger_.extend(*task.sequence, part.tokens);
      scheduler_.computed(task.info.id, part.tokens);
      if (task.pool)
        add_to_pool(task, std::span(output.hidden).subspan(row, rows));
      else if (task.scores)
        add_scores(task, task.computed - part.tokens, std::span(output.logits).subspan(row, rows));
      else if (rows > 0)
        take_logits(task, output.logits[row]);
    }
    row += rows;
  }
}

void InferenceLoop::add_to_pool(SequenceTask& task, std::span<const std::span<const float>> hidden) {
  for (const auto& state : hidden) task.pool->add(state);
  if (task.computed == std::ssize(task.tokens)) end_reading(task, task.pool->result());
}

// `begin`: the position of the first row, which tells of the token behind it.
void InferenceLoop::add_scores(SequenceTask& task, int begin, std::span<const std::span<const float>> logits) {
  for (std::size_t i = 0; i < logits.size(); ++i)
    task.scores->push_back(
        score_token(logits[i], task.tokens[static_cast<std::size_t>(begin) + i + 1], 0).chosen.logprob);
  if (task.computed == std::ssize(task.tokens)) end_reading(task, std::move(*task.scores));
}

void InferenceLoop::take_logits(SequenceTask& task, std::span<const float> logits) {
  const auto token = task.sampler->sample(logits);
  if (!token) return fail_request(task.request, token.error());
  note_token_time(task);
  release_siblings(*task.request);
  if (const auto reason = take_token(task, *token, logits)) end_choice(task, *reason);
}

void InferenceLoop::note_token_time(SequenceTask& task) {
  auto& request = *task.request;
  const auto now = ServingClock::now();
  if (!request.first_token) {
    request.first_token = now;
    request.usage.prompt_seconds = seconds_between(*request.started, now);
    request.usage.first_token_seconds = seconds_between(request.submitted, now);
    for (auto* observer : observers_)
      observer->on_first_token(request.request.label, request.usage.first_token_seconds);
  } else if (task.generated > 0) {
    const double gap = seconds_between(task.last_token, now);
    for (auto* observer : observers_) observer->on_token_gap(request.request.label, gap);
  }
  task.last_token = now;
}

std::optional<FinishReason> InferenceLoop::take_token(SequenceTask& task, Token token, std::span<const float> logits) {
  const auto& request = task.request->request;
  ++task.generated;
  ++task.request->usage.completion_tokens;
  if (!request.ignore_end_of_generation && engine_.is_end_of_generation(token)) return FinishReason::kEndOfGeneration;
  task.tokens.push_back(token);
  GenerationDelta delta{.choice = task.choice_in_stream(),
                        .text = task.text->push(engine_.token_bytes(token, /*special=*/false)),
                        .tokens = {token},
                        .scores = {}};
  if (request.top_logprobs) delta.scores.push_back(score_token(logits, token, *request.top_logprobs));
  task.request->stream->push(std::move(delta));
  if (task.text->stopped()) return FinishReason::kStopString;
  if (task.generated >= request.max_tokens) return FinishReason::kMaxTokens;
  if (std::ssize(task.tokens) > engine_.options().context_length) return FinishReason::kContextFull;
  return std::nullopt;
}

// The first choice has computed the prompt: the others begin with it.
void InferenceLoop::release_siblings(RequestTask& request) {
  auto siblings = std::exchange(request.siblings, {});
  // Each goes before the last one, so that the first comes out first.
  for (auto sibling = siblings.rbegin(); sibling != siblings.rend(); ++sibling) {
    auto& task = **sibling;
    task.info.id = ++last_id_;
    task.info.tokens = static_cast<int>(task.tokens.size());
    scheduler_.enqueue_front(task.info);
    tasks_.emplace(task.info.id, std::move(*sibling));
  }
}

void InferenceLoop::end_choice(SequenceTask& task, FinishReason reason) {
  const auto request = task.request;
  if (!task.text->stopped())
    if (auto rest = task.text->finish(); !rest.empty())
      request->stream->push({.choice = task.choice_in_stream(), .text = std::move(rest), .tokens = {}, .scores = {}});
  request->stream->end_choice({.choice = task.choice_in_stream(), .reason = reason, .seed = task.sampler->seed()});
  request->finish_reasons.push_back(reason);
  if (options_.report_tokens) {
    const auto answer = task.tokens.begin() + static_cast<std::ptrdiff_t>(request->request.prompt.size());
    request->answers.emplace_back(answer, task.tokens.end());
  }
  forget(task, /*keep_prefix=*/true);
  if (--request->open_choices > 0) return;
  const bool cancelled = std::ranges::contains(request->finish_reasons, FinishReason::kCancelled);
  end_request(*request, cancelled ? RequestOutcome::kCancelled : RequestOutcome::kFinished);
  request->stream->finish(GenerationEnd{request->usage});
}

void InferenceLoop::end_request(RequestTask& request, RequestOutcome outcome) {
  if (request.first_token)
    request.usage.generation_seconds = seconds_between(*request.first_token, ServingClock::now());
  // It may have left without ever having had its turn.
  if (!request.started) request.usage.queue_seconds = seconds_between(request.submitted, ServingClock::now());
  RequestReport report{.submitted = request.submitted_at,
                       .client = request.request.client,
                       .label = request.request.label,
                       .adapters = request.request.adapters,
                       .outcome = outcome,
                       .started = request.started.has_value(),
                       .finish_reasons = request.finish_reasons,
                       .usage = request.usage,
                       .prompt = {},
                       .answers = std::move(request.answers)};
  if (options_.report_tokens) report.prompt = request.request.prompt;
  for (auto* observer : observers_) observer->on_request_end(report);
}

void InferenceLoop::end_reading(SequenceTask& task, Result<std::vector<float>> result) {
  const auto reading = task.reading;
  RequestReport report{.submitted = reading->submitted_at,
                       .client = reading->client,
                       .label = reading->label,
                       .adapters = reading->served,
                       .started = reading->started.has_value(),
                       .embedding = true};
  report.usage.prompt_tokens = static_cast<int>(task.tokens.size());
  const auto begun = reading->started.value_or(ServingClock::now());
  report.usage.queue_seconds = seconds_between(reading->submitted, begun);
  if (!result)
    report.outcome =
        result.error().code == ErrorCode::kCancelled ? RequestOutcome::kCancelled : RequestOutcome::kFailed;
  else if (reading->started)
    report.usage.prompt_seconds = seconds_between(*reading->started, ServingClock::now());
  forget(task, /*keep_prefix=*/false);
  for (auto* observer : observers_) observer->on_request_end(report);
  reading->result.set_value(std::move(result));
}

void InferenceLoop::fail_task(SequenceTask& task, const Error& error) {
  if (task.reading != nullptr)
    end_reading(task, std::unexpected(error));
  else
    fail_request(task.request, error);
}

void InferenceLoop::fail_request(const std::shared_ptr<RequestTask>& failed, const Error& error) {
  const auto request = failed;  // the tasks that hold it go
  std::vector<SequenceTask*> choices;
  for (const auto& [id, task] : tasks_)
    if (task->request == request) choices.push_back(task.get());
  for (SequenceTask* choice : choices) forget(*choice, /*keep_prefix=*/false);
  request->siblings.clear();
  end_request(*request, RequestOutcome::kFailed);
  request->stream->finish(GenerationFailure{error});
}

void InferenceLoop::forget(SequenceTask& task, bool keep_prefix) {
  if (const auto sequence = std::exchange(task.sequence, std::nullopt)) {
    if (keep_prefix && task.computed > 0 && task.request->request.reuse_prefix && !is_retired(task.adapters())) {
      task.tokens.resize(static_cast<std::size_t>(task.computed));
      for (const SequenceId closed : cache_.insert(*sequence, std::move(task.tokens), task.request->scope()))
        close_sequence(closed);
    } else {
      close_sequence(*sequence);
    }
  }
  scheduler_.remove(task.info.id);
  tasks_.erase(task.info.id);
}

}  // namespace hyprstream
