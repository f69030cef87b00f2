#include "api/json_fields.hpp"

#include <cmath>
#include <format>

#include "base/json.hpp"

namespace hyprstream {

namespace {

ApiResult<nlohmann::ordered_json> parse(const HttpRequest& request, bool list) {
  if (!request.parts.empty())
    return std::unexpected(invalid_field("", "the request's body must be JSON: this endpoint takes no form"));
  auto body = parse_ordered_json(request.body, "the request's body");
  if (!body) return std::unexpected(invalid_field("", body.error().message));
  if (list ? !body->is_array() : !body->is_object())
    return std::unexpected(
        invalid_field("", std::format("the request's body must be a JSON {}", list ? "list" : "object")));
  return std::move(*body);
}

}  // namespace

ApiResult<nlohmann::ordered_json> parse_body(const HttpRequest& request) { return parse(request, /*list=*/false); }
ApiResult<nlohmann::ordered_json> parse_list(const HttpRequest& request) { return parse(request, /*list=*/true); }

const nlohmann::ordered_json* JsonFields::find(std::string_view name) const {
  const auto found = object_.find(name);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

std::unexpected<HttpError> JsonFields::wrong(std::string_view name, std::string_view must_be) const {
  const auto param = prefix_ + std::string(name);
  return std::unexpected(invalid_field(param, std::format("'{}' must be {}", param, must_be)));
}

ApiResult<std::optional<std::string>> JsonFields::text(std::string_view name) const {
  const auto* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) return wrong(name, "a text");
  return value->get<std::string>();
}

ApiResult<std::optional<bool>> JsonFields::flag(std::string_view name) const {
  const auto* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_boolean()) return wrong(name, "true or false");
  return value->get<bool>();
}

ApiResult<std::optional<long long>> JsonFields::integer(std::string_view name, long long least, long long most) const {
  const auto* value = find(name);
  if (value == nullptr) return std::nullopt;
  const bool whole = value->is_number_integer();
  const bool fits = whole && (!value->is_number_unsigned() || value->get<unsigned long long>() <= 1ULL << 62);
  if (!fits || value->get<long long>() < least || value->get<long long>() > most)
    return wrong(name, std::format("a whole number from {} to {}", least, most));
  return value->get<long long>();
}

ApiResult<std::optional<double>> JsonFields::number(std::string_view name, double least, double most) const {
  const auto* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number() || !(value->get<double>() >= least && value->get<double>() <= most))
    return wrong(name, std::format("a number from {} to {}", least, most));
  return value->get<double>();
}

ApiResult<std::vector<std::string>> JsonFields::texts(std::string_view name, std::size_t most) const {
  const auto* value = find(name);
  if (value == nullptr) return std::vector<std::string>();
  if (value->is_string()) return std::vector{value->get<std::string>()};
  if (!value->is_array() || value->size() > most)
    return wrong(name, std::format("a text, or a list of at most {} texts", most));
  std::vector<std::string> texts;
  for (const auto& item : *value) {
    if (!item.is_string()) return wrong(name, std::format("a text, or a list of at most {} texts", most));
    texts.push_back(item.get<std::string>());
  }
  return texts;
}

}  // namespace hyprstream
