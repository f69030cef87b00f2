// llama-server's POST /tokenize and /detokenize.
#include "api/endpoints.hpp"
#include "api/json_response.hpp"
#include "base/utf8.hpp"

namespace hyprstream {
namespace {

using Json = nlohmann::ordered_json;

// A text, or the bytes of one that is not all there.
Json piece_json(const std::string& bytes) {
  if (!find_invalid_utf8(bytes)) return bytes;
  Json numbers = Json::array();
  for (const char byte : bytes) numbers.push_back(static_cast<unsigned char>(byte));
  return numbers;
}

ApiResult<Json> tokenize(const ApiContext& context, const HttpRequest& request) {
  HYPRSTREAM_ASSIGN(const auto body, parse_body(request));
  const JsonFields fields(body);
  HYPRSTREAM_ASSIGN(const auto content, fields.text("content"));
  if (!content) return fields.wrong("content", "a text");
  HYPRSTREAM_ASSIGN(const auto special, fields.flag("add_special"));
  HYPRSTREAM_ASSIGN(const auto parse, fields.flag("parse_special"));
  const TokenizeOptions options{.add_special = special.value_or(false), .parse_special = parse.value_or(true)};
  HYPRSTREAM_ASSIGN(const auto tokens,
                    context.service->engine().tokenize(*content, options).transform_error(http_error));
  HYPRSTREAM_ASSIGN(const auto with_pieces, fields.flag("with_pieces"));
  if (!with_pieces.value_or(false)) return Json{{"tokens", tokens}};
  Json pieces = Json::array();
  for (const Token token : tokens)
    pieces.push_back({{"id", token}, {"piece", piece_json(context.service->engine().token_bytes(token, true))}});
  return Json{{"tokens", pieces}};
}

ApiResult<Json> detokenize(const ApiContext& context, const HttpRequest& request) {
  HYPRSTREAM_ASSIGN(const auto body, parse_body(request));
  const JsonFields fields(body);
  const auto* list = fields.find("tokens");
  if (list == nullptr || !list->is_array()) return fields.wrong("tokens", "a list of token numbers");
  const int vocabulary = context.service->engine().model_info().vocabulary_size;
  std::vector<Token> tokens;
  for (const auto& item : *list) {
    if (!item.is_number_integer() || item.get<long long>() < 0 || item.get<long long>() >= vocabulary)
      return fields.wrong("tokens", "a list of token numbers of this vocabulary");
    tokens.push_back(item.get<Token>());
  }
  return Json{{"content", context.service->engine().detokenize(tokens, true)}};
}

}  // namespace

HttpResponse handle_tokenize(const ApiContext& context, const HttpRequest& request) {
  return json_response(tokenize(context, request));
}

HttpResponse handle_detokenize(const ApiContext& context, const HttpRequest& request) {
  return json_response(detokenize(context, request));
}

}  // namespace hyprstream
