#include "api/generation_answer.hpp"

#include <algorithm>
#include <chrono>
#include <format>
#include <iterator>
#include <memory>
#include <random>
#include <ranges>
#include <stop_token>

#include "api/choice_reader.hpp"
#include "api/json_response.hpp"

namespace hyprstream {
namespace {

using Json = nlohmann::ordered_json;

// A comment this often keeps proxies from closing a stream that says nothing.
constexpr std::chrono::seconds kKeepAlive{15};

Json usage_json(const RequestUsage& usage) {
  return {{"prompt_tokens", usage.prompt_tokens},
          {"completion_tokens", usage.completion_tokens},
          {"total_tokens", usage.prompt_tokens + usage.completion_tokens},
          {"prompt_tokens_details", {{"cached_tokens", usage.cached_tokens}}}};
}

// llama-server's, in milliseconds.
Json timings_json(const RequestUsage& usage) {
  const int computed = usage.prompt_tokens - usage.cached_tokens;
  const auto per_second = [](int tokens, double seconds) { return seconds > 0 ? tokens / seconds : 0; };
  return {{"cache_n", usage.cached_tokens},
          {"prompt_n", computed},
          {"prompt_ms", usage.prompt_seconds * 1e3},
          {"prompt_per_second", per_second(computed, usage.prompt_seconds)},
          {"predicted_n", usage.completion_tokens},
          {"predicted_ms", usage.generation_seconds * 1e3},
          {"predicted_per_second", per_second(usage.completion_tokens, usage.generation_seconds)},
          {"queue_ms", usage.queue_seconds * 1e3}};
}

// What is known before the first event.
struct Answer {
  GenerationStream stream;
  GenerationCall call;
  AnswerShape shape;
  std::string id;
  long long created;

  std::size_t choices() const { return call.prompts.size() * static_cast<std::size_t>(call.request.choices); }
  std::vector<ChoiceReader> readers() const {
    return {choices(), ChoiceReader(shape, call.tools, call.request.top_logprobs.has_value())};
  }
  Json head(const std::string& object) const {
    return {{"id", id}, {"object", object}, {"created", created}, {"model", call.model}};
  }
};

// A text that was cut off is never given as one that has ended.
HttpError cut_off() {
  return http_error({ErrorCode::kCancelled, "the client went away before its answer was complete"});
}

// Appends what `more` has to `all`.
void join(ChoicePiece& all, ChoicePiece more) {
  all.text += more.text;
  std::ranges::move(more.calls, std::back_inserter(all.calls));
  if (all.scores.is_null())
    all.scores = std::move(more.scores);
  else if (more.scores.is_object())
    for (const auto& [key, list] : more.scores.items())
      if (list.is_array()) all.scores[key].insert(all.scores[key].end(), list.begin(), list.end());
}

HttpResponse collect(Answer& answer, const std::stop_token& gone) {
  const std::stop_callback cancel(gone, [&] { answer.stream.cancel(); });
  auto readers = answer.readers();
  std::vector<ChoicePiece> choices(readers.size());
  std::vector<std::string> finish(readers.size());
  for (;;) {
    const auto event = answer.stream.next();
    if (const auto* delta = std::get_if<GenerationDelta>(&event)) {
      const auto index = static_cast<std::size_t>(delta->choice);
      join(choices[index], readers[index].read(*delta));
    } else if (const auto* end = std::get_if<ChoiceEnd>(&event)) {
      if (end->reason == FinishReason::kCancelled) return error_response(cut_off());
      const auto index = static_cast<std::size_t>(end->choice);
      join(choices[index], readers[index].finish());
      finish[index] = readers[index].finish_reason(end->reason);
    } else if (const auto* failure = std::get_if<GenerationFailure>(&event)) {
      return error_response(http_error(failure->error));
    } else {
      const auto& usage = std::get<GenerationEnd>(event).usage;
      Json body = answer.head(answer.shape.object);
      body["choices"] = Json::array();
      for (std::size_t i = 0; i < choices.size(); ++i) {
        Json choice = {{"index", i}};
        choice.update(answer.shape.whole(choices[i]));
        choice["finish_reason"] = finish[i];
        body["choices"].push_back(std::move(choice));
      }
      body["usage"] = usage_json(usage);
      body["timings"] = timings_json(usage);
      return json_response(body);
    }
  }
}

class EventWriter {
 public:
  EventWriter(Answer& answer, BodyWriter& out)
      : answer_(answer), out_(out), readers_(answer.readers()), begun_(readers_.size()) {}

  void run() {
    for (bool open = true; open;) {
      const auto event = answer_.stream.next(kKeepAlive);
      open = event ? std::visit([&](const auto& known) { return write(known); }, *event) : out_.write(": waiting\n\n");
    }
  }

 private:
  bool send(const Json& json) { return out_.write("data: " + dump_json(json) + "\n\n"); }
  bool send_choice(int index, const ChoicePiece& piece, const char* finish) {
    const auto at = static_cast<std::size_t>(index);
    Json choice = {{"index", index}};
    choice.update(answer_.shape.piece(piece, !begun_[at]));
    choice["finish_reason"] = finish == nullptr ? Json() : Json(finish);
    begun_[at] = true;
    Json chunk = answer_.head(answer_.shape.chunk_object);
    chunk["choices"] = Json::array({std::move(choice)});
    return send(chunk);
  }

  bool send_error(const HttpError& error) {
    out_.write("data: " + error_body(error) + "\n\n");
    return false;
  }

  bool write(const GenerationDelta& delta) {
    const auto piece = readers_[static_cast<std::size_t>(delta.choice)].read(delta);
    return piece.empty() || send_choice(delta.choice, piece, nullptr);
  }
  bool write(const ChoiceEnd& end) {
    if (end.reason == FinishReason::kCancelled) return send_error(cut_off());
    auto& reader = readers_[static_cast<std::size_t>(end.choice)];
    const auto rest = reader.finish();
    return (rest.empty() || send_choice(end.choice, rest, nullptr)) &&
           send_choice(end.choice, {}, reader.finish_reason(end.reason));
  }
  bool write(const GenerationFailure& failure) { return send_error(http_error(failure.error)); }
  bool write(const GenerationEnd& end) {
    if (answer_.call.include_usage) {
      Json chunk = answer_.head(answer_.shape.chunk_object);
      chunk["choices"] = Json::array();
      chunk["usage"] = usage_json(end.usage);
      chunk["timings"] = timings_json(end.usage);
      if (!send(chunk)) return false;
    }
    out_.write("data: [DONE]\n\n");
    return false;
  }

  Answer& answer_;
  BodyWriter& out_;
  std::vector<ChoiceReader> readers_;
  std::vector<bool> begun_;
};

std::string fresh_id(const std::string& prefix) {
  std::random_device random;
  return std::format("{}{:08x}{:08x}{:08x}", prefix, random(), random(), random());
}

Result<GenerationStream> submit(InferenceService& service, const GenerationCall& call) {
  std::vector<ServingRequest> requests;
  for (const auto& prompt : call.prompts) {
    requests.push_back(call.request);
    requests.back().prompt = prompt;
  }
  return service.submit(std::move(requests));
}

}  // namespace

HttpResponse answer_generation(const ApiContext& context, const HttpRequest& http, GenerationCall call,
                               const AnswerShape& shape) {
  auto stream = submit(*context.service, call);
  if (!stream) {
    const auto longest = std::ranges::max(call.prompts | std::views::transform(&std::vector<Token>::size));
    return error_response(submit_error(stream.error(), context, longest));
  }
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  auto answer =
      std::make_shared<Answer>(Answer{.stream = std::move(*stream),
                                      .call = std::move(call),
                                      .shape = shape,
                                      .id = fresh_id(shape.id_prefix),
                                      .created = std::chrono::duration_cast<std::chrono::seconds>(now).count()});
  if (!answer->call.stream) return collect(*answer, http.disconnected);
  HttpResponse response{.content_type = "text/event-stream"};
  response.headers.emplace_back("Cache-Control", "no-cache");
  response.stream = [answer, gone = http.disconnected](BodyWriter& out) {
    const std::stop_callback cancel(gone, [&] { answer->stream.cancel(); });
    EventWriter(*answer, out).run();
  };
  return response;
}

}  // namespace hyprstream
