#include "api/generation_answer.hpp"
#include "api/generation_routes.hpp"

namespace hyprstream {
namespace {

using Json = nlohmann::ordered_json;

ApiResult<std::vector<Token>> read_prompt(const ApiContext& context, const JsonFields& fields) {
  const auto* prompt = fields.find("prompt");
  if (prompt == nullptr) return fields.wrong("prompt", "a text, or a list of token numbers");
  if (prompt->is_array() && prompt->size() == 1 && prompt->front().is_string()) prompt = &prompt->front();
  if (prompt->is_string())
    return context.service->engine()
        .tokenize(prompt->get<std::string>(), {.add_special = true, .parse_special = true})
        .transform_error(http_error);
  if (!prompt->is_array()) return fields.wrong("prompt", "a text, or a list of token numbers");
  std::vector<Token> tokens;
  for (const auto& item : *prompt) {
    if (item.is_string() || item.is_array())
      return fields.wrong("prompt", "a single prompt: send one request for each");
    if (!item.is_number_integer() || item.get<long long>() < 0 || item.get<long long>() > 1 << 30)
      return fields.wrong("prompt", "a text, or a list of token numbers");
    tokens.push_back(item.get<Token>());
  }
  return tokens;
}

Json legacy_scores(const RuntimeEngine& engine, const std::vector<TokenScore>& scores) {
  Json tokens = Json::array();
  Json logprobs = Json::array();
  Json tops = Json::array();
  const auto text = [&](Token token) { return engine.detokenize(std::vector{token}, true); };
  for (const auto& score : scores) {
    tokens.push_back(text(score.chosen.token));
    logprobs.push_back(score.chosen.logprob);
    Json top = Json::object();
    for (const auto& [token, logprob] : score.top) top[text(token)] = logprob;
    tops.push_back(std::move(top));
  }
  return {{"tokens", tokens}, {"token_logprobs", logprobs}, {"top_logprobs", tops}};
}

ApiResult<GenerationCall> read_call(const ApiContext& context, const HttpRequest& request) {
  HYPRSTREAM_ASSIGN(const auto body, parse_body(request));
  const JsonFields fields(body);
  HYPRSTREAM_ASSIGN(auto call, read_generation_fields(context, request, fields));
  for (const char* name : {"suffix", "echo"})
    if (const auto* value = fields.find(name); value != nullptr && *value != Json(false))
      return std::unexpected(invalid_field(name, std::string("'") + name + "' is not supported"));
  HYPRSTREAM_ASSIGN(const auto top, fields.integer("logprobs", 0, 20));
  if (top) call.request.top_logprobs = static_cast<int>(*top);
  HYPRSTREAM_ASSIGN(call.request.prompt, read_prompt(context, fields));
  return call;
}

}  // namespace

HttpResponse handle_completion(const ApiContext& context, const HttpRequest& request) {
  auto call = read_call(context, request);
  if (!call) return error_response(call.error());
  const auto choice = [](const std::string& text, const Json& scores) {
    return Json{{"text", text}, {"logprobs", scores}};
  };
  const AnswerShape shape{
      .id_prefix = "cmpl-",
      .object = "text_completion",
      .chunk_object = "text_completion",
      .whole = choice,
      .piece = [choice](const std::string& text, const Json& scores, bool) { return choice(text, scores); },
      .scores = [&engine = context.service->engine()](const auto& scores) { return legacy_scores(engine, scores); }};
  return answer_generation(context, request, std::move(*call), shape);
}

}  // namespace hyprstream
