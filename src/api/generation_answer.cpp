#include "api/generation_answer.hpp"

#include <chrono>
#include <format>
#include <memory>
#include <random>
#include <stop_token>

namespace hyprstream {
namespace {

using Json = nlohmann::ordered_json;

// A comment this often keeps proxies from closing a stream that says nothing.
constexpr std::chrono::seconds kKeepAlive{15};

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

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

std::string finish_name(FinishReason reason) {
  return reason == FinishReason::kMaxTokens || reason == FinishReason::kContextFull ? "length" : "stop";
}

// What is known before the first event.
struct Answer {
  GenerationStream stream;
  GenerationCall call;
  AnswerShape shape;
  std::string id;
  long long created;

  Json head(const std::string& object) const {
    return {{"id", id}, {"object", object}, {"created", created}, {"model", call.model}};
  }
  Json scores(const GenerationDelta& delta) const {
    return call.request.top_logprobs ? shape.scores(delta.scores) : Json();
  }
};

// Appends what `more` has in its lists to those of `all`.
void join_scores(Json& all, const Json& more) {
  if (all.is_null())
    all = more;
  else if (more.is_object())
    for (const auto& [key, list] : more.items())
      if (list.is_array()) all[key].insert(all[key].end(), list.begin(), list.end());
}

HttpResponse collect(Answer& answer, const std::stop_token& gone) {
  const std::stop_callback cancel(gone, [&] { answer.stream.cancel(); });
  struct Choice {
    std::string text;
    Json scores;
    std::string finish;
  };
  std::vector<Choice> choices(static_cast<std::size_t>(answer.call.request.choices));
  for (;;) {
    const auto event = answer.stream.next();
    if (const auto* delta = std::get_if<GenerationDelta>(&event)) {
      auto& choice = choices[static_cast<std::size_t>(delta->choice)];
      choice.text += delta->text;
      join_scores(choice.scores, answer.scores(*delta));
    } else if (const auto* end = std::get_if<ChoiceEnd>(&event)) {
      choices[static_cast<std::size_t>(end->choice)].finish = finish_name(end->reason);
    } else if (const auto* failure = std::get_if<GenerationFailure>(&event)) {
      return error_response(http_error(failure->error));
    } else {
      const auto& usage = std::get<GenerationEnd>(event).usage;
      Json body = answer.head(answer.shape.object);
      body["choices"] = Json::array();
      for (std::size_t i = 0; i < choices.size(); ++i) {
        Json choice = {{"index", i}};
        choice.update(answer.shape.whole(choices[i].text, choices[i].scores));
        choice["finish_reason"] = choices[i].finish;
        body["choices"].push_back(std::move(choice));
      }
      body["usage"] = usage_json(usage);
      body["timings"] = timings_json(usage);
      return {.body = dump(body)};
    }
  }
}

class EventWriter {
 public:
  EventWriter(Answer& answer, BodyWriter& out)
      : answer_(answer), out_(out), begun_(static_cast<std::size_t>(answer.call.request.choices)) {}

  void run() {
    for (bool open = true; open;) {
      const auto event = answer_.stream.next(kKeepAlive);
      open = event ? std::visit([&](const auto& known) { return write(known); }, *event) : out_.write(": waiting\n\n");
    }
  }

 private:
  bool send(const Json& json) { return out_.write("data: " + dump(json) + "\n\n"); }
  bool send_choice(int index, Json choice, const char* finish) {
    Json chunk = answer_.head(answer_.shape.chunk_object);
    Json whole = {{"index", index}};
    whole.update(choice);
    whole["finish_reason"] = finish == nullptr ? Json() : Json(finish);
    chunk["choices"] = Json::array({std::move(whole)});
    return send(chunk);
  }
  Json piece(int index, const std::string& text, const Json& scores) {
    const bool first = !begun_[static_cast<std::size_t>(index)];
    begun_[static_cast<std::size_t>(index)] = true;
    return answer_.shape.piece(text, scores, first);
  }

  bool write(const GenerationDelta& delta) {
    if (delta.text.empty() && delta.scores.empty()) return true;
    return send_choice(delta.choice, piece(delta.choice, delta.text, answer_.scores(delta)), nullptr);
  }
  bool write(const ChoiceEnd& end) {
    return send_choice(end.choice, piece(end.choice, "", Json()), finish_name(end.reason).c_str());
  }
  bool write(const GenerationFailure& failure) {
    out_.write("data: " + error_body(http_error(failure.error)) + "\n\n");
    return false;
  }
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
  std::vector<bool> begun_;
};

std::string fresh_id(const std::string& prefix) {
  std::random_device random;
  return std::format("{}{:08x}{:08x}{:08x}", prefix, random(), random(), random());
}

HttpError submit_error(const Error& error, const ApiContext& context, std::size_t prompt) {
  auto shown = http_error(error);
  const auto context_length = static_cast<std::size_t>(context.service->engine().options().context_length);
  if (shown.status == 400 && prompt >= context_length) shown.code = "context_length_exceeded";
  return shown;
}

}  // namespace

HttpResponse answer_generation(const ApiContext& context, const HttpRequest& http, GenerationCall call,
                               const AnswerShape& shape) {
  auto stream = context.service->submit(call.request);
  if (!stream) return error_response(submit_error(stream.error(), context, call.request.prompt.size()));
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
