#include "api/endpoints.hpp"
#include "api/generation_answer.hpp"

namespace hyprstream {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostPrompts = 64;

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
  HYPRSTREAM_ASSIGN(call.prompts, read_token_lists(context, fields, "prompt", kMostPrompts));
  return call;
}

}  // namespace

HttpResponse handle_completion(const ApiContext& context, const HttpRequest& request) {
  auto call = read_call(context, request);
  if (!call) return error_response(call.error());
  const auto choice = [](const ChoicePiece& piece) { return Json{{"text", piece.text}, {"logprobs", piece.scores}}; };
  const AnswerShape shape{
      .id_prefix = "cmpl-",
      .object = "text_completion",
      .chunk_object = "text_completion",
      .whole = choice,
      .piece = [choice](const ChoicePiece& piece, bool) { return choice(piece); },
      .scores = [&engine = context.service->engine()](const auto& scores) { return legacy_scores(engine, scores); }};
  return answer_generation(context, request, std::move(*call), shape);
}

}  // namespace hyprstream
