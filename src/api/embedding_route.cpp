#include <bit>
#include <format>
#include <span>

#include "api/endpoints.hpp"
#include "api/generation_fields.hpp"
#include "api/json_response.hpp"
#include "base/base64.hpp"

namespace hyprstream {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostInputs = 256;

// Numbers, or their little-endian bytes.
Json vector_json(const std::vector<float>& vector, bool base64) {
  static_assert(std::endian::native == std::endian::little);
  return base64 ? Json(to_base64(std::as_bytes(std::span(vector)))) : Json(vector);
}

ApiResult<Json> embeddings(const ApiContext& context, const HttpRequest& request) {
  HYPRSTREAM_ASSIGN(const auto body, parse_body(request));
  const JsonFields fields(body);
  HYPRSTREAM_ASSIGN(const auto model, fields.text("model"));
  HYPRSTREAM_ASSIGN(const auto adapters, read_adapters(context, fields));
  HYPRSTREAM_ASSIGN(const auto format, fields.text("encoding_format"));
  if (format && *format != "float" && *format != "base64") return fields.wrong("encoding_format", "float or base64");
  const int size = context.service->engine().model_info().hidden_size;
  HYPRSTREAM_ASSIGN(const auto dimensions, fields.integer("dimensions", 1, 1 << 20));
  if (dimensions && *dimensions != size)
    return fields.wrong("dimensions", std::format("{}: this model's vectors cannot be cut", size));
  HYPRSTREAM_ASSIGN(const auto inputs, read_token_lists(context, fields, "input", kMostInputs));

  std::vector<EmbeddingRequest> requests;
  std::size_t longest = 0;
  std::size_t tokens = 0;
  for (const auto& input : inputs) {
    longest = std::max(longest, input.size());
    tokens += input.size();
    requests.push_back(
        {.tokens = input, .adapters = adapters, .client = request.client.key_id, .label = adapters_label(adapters)});
  }
  const auto vectors = context.service->embed(std::move(requests), request.disconnected);
  if (!vectors) return std::unexpected(submit_error(vectors.error(), context, longest));
  Json data = Json::array();
  for (const auto& vector : *vectors)
    data.push_back(
        {{"object", "embedding"}, {"index", data.size()}, {"embedding", vector_json(vector, format == "base64")}});
  return Json{{"object", "list"},
              {"data", std::move(data)},
              {"model", model && !model->empty() ? *model : context.model_id},
              {"usage", {{"prompt_tokens", tokens}, {"total_tokens", tokens}}}};
}

}  // namespace

HttpResponse handle_embeddings(const ApiContext& context, const HttpRequest& request) {
  return json_response(embeddings(context, request));
}

}  // namespace hyprstream
