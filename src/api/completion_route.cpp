#include <algorithm>
#include <string_view>

#include "api/endpoints.hpp"
#include "api/generation_answer.hpp"

namespace hyprstream {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostPrompts = 64;

constexpr int kDefaultTokens = 16;  // OpenAI's, of this endpoint alone

std::size_t count_characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

Json legacy_scores(const RuntimeEngine& engine, const std::vector<TokenScore>& scores, std::size_t& offset) {
  Json offsets = Json::array();
  Json tokens = Json::array();
  Json logprobs = Json::array();
  Json tops = Json::array();
  const auto text = [&](Token token) { return engine.detokenize(std::vector{token}, true); };
  for (const auto& score : scores) {
    const std::string chosen = text(score.chosen.token);
    offsets.push_back(offset);
    offset += count_characters(chosen);
    tokens.push_back(chosen);
    logprobs.push_back(score.chosen.logprob);
    Json top = Json::object();
    for (const auto& [token, logprob] : score.top) top[text(token)] = logprob;
    tops.push_back(std::move(top));
  }
  return {{"tokens", tokens}, {"token_logprobs", logprobs}, {"top_logprobs", tops}, {"text_offset", offsets}};
}

ApiResult<GenerationCall> read_call(const ApiContext& context, const HttpRequest& request) {
  HYPRSTREAM_ASSIGN(const auto body, parse_body(request));
  const JsonFields fields(body);
  HYPRSTREAM_ASSIGN(auto call, read_generation_fields(context, request, fields));
  for (const char* name : {"suffix", "echo"})
    if (const auto* value = fields.find(name); value != nullptr && *value != Json(false))
      return std::unexpected(invalid_field(name, std::string("'") + name + "' is not supported"));
  if (fields.find("max_tokens") == nullptr && fields.find("max_completion_tokens") == nullptr)
    call.request.max_tokens = kDefaultTokens;
  HYPRSTREAM_ASSIGN(const auto best, fields.integer("best_of", 1, 1 << 30));
  if (best && *best != call.request.choices)
    return fields.wrong("best_of", "as many as 'n': of more texts than are given none is chosen");
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
      .scores = [&engine = context.service->engine()](
                    const auto& scores, std::size_t& offset) { return legacy_scores(engine, scores, offset); }};
  return answer_generation(context, request, std::move(*call), shape);
}

}  // namespace hyprstream
