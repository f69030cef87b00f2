// Texts and tokens in requests.
#include <format>

#include "api/generation_fields.hpp"

namespace hyprstream {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kForms = "a text, a list of token numbers, or a list of either";

bool is_token(const Json& item) {
  return item.is_number_integer() && item.get<long long>() >= 0 && item.get<long long>() <= 1 << 30;
}

ApiResult<std::vector<Token>> read_tokens(const JsonFields& fields, std::string_view name, const Json& list) {
  std::vector<Token> tokens;
  for (const auto& item : list) {
    if (!is_token(item)) return fields.wrong(name, kForms);
    tokens.push_back(item.get<Token>());
  }
  return tokens;
}

}  // namespace

ApiResult<std::vector<Token>> tokens_of(const ApiContext& context, const std::string& text, std::string_view field) {
  return context.service->engine()
      .tokenize(text, {.add_special = true, .parse_special = true})
      .transform_error([&](const Error& error) {
        auto shown = http_error(error);
        if (shown.status == 400) shown.param = field;
        return shown;
      });
}

ApiResult<std::vector<std::vector<Token>>> read_token_lists(const ApiContext& context, const JsonFields& fields,
                                                            std::string_view name, std::size_t most) {
  const auto* value = fields.find(name);
  if (value == nullptr) return fields.wrong(name, kForms);
  std::vector<std::vector<Token>> lists;
  if (value->is_string()) {
    HYPRSTREAM_ASSIGN(auto tokens, tokens_of(context, value->get_ref<const std::string&>(), name));
    lists.push_back(std::move(tokens));
    return lists;
  }
  if (!value->is_array() || value->empty()) return fields.wrong(name, kForms);
  if (value->front().is_number()) {
    HYPRSTREAM_ASSIGN(auto tokens, read_tokens(fields, name, *value));
    lists.push_back(std::move(tokens));
    return lists;
  }
  if (value->size() > most) return fields.wrong(name, std::format("a list of at most {} texts", most));
  for (const auto& item : *value) {
    if (!item.is_string() && !item.is_array()) return fields.wrong(name, kForms);
    HYPRSTREAM_ASSIGN(auto tokens, item.is_string() ? tokens_of(context, item.get_ref<const std::string&>(), name)
                                                    : read_tokens(fields, name, item));
    lists.push_back(std::move(tokens));
  }
  return lists;
}

HttpError submit_error(const Error& error, const ApiContext& context, std::size_t tokens) {
  auto shown = http_error(error);
  const auto context_length = static_cast<std::size_t>(context.service->engine().options().context_length);
  if (shown.status == 400 && tokens >= context_length) shown.code = "context_length_exceeded";
  return shown;
}

}  // namespace hyprstream
