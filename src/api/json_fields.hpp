// Reading the fields of a request, one by one, with errors that name them.
#pragma once

#include <expected>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/error_response.hpp"
#include "http/message.hpp"

namespace hyprstream {

template <typename T>
using ApiResult = std::expected<T, HttpError>;

// The body as a JSON object. Errors: 400.
ApiResult<nlohmann::ordered_json> parse_body(const HttpRequest& request);
// The body as a JSON list. Errors: 400.
ApiResult<nlohmann::ordered_json> parse_list(const HttpRequest& request);

// A view of an object's fields. A field that is null is absent; one of another type, or out of range, is a 400 that
// names it. Fields that nobody asks for are passed over, as OpenAI does. Not thread-safe.
class JsonFields {
 public:
  // `prefix` stands before names in messages: "messages[2].".
  explicit JsonFields(const nlohmann::ordered_json& object, std::string prefix = "")
      : object_(object), prefix_(std::move(prefix)) {}

  const nlohmann::ordered_json* find(std::string_view name) const;
  ApiResult<std::optional<std::string>> text(std::string_view name) const;
  ApiResult<std::optional<bool>> flag(std::string_view name) const;
  ApiResult<std::optional<long long>> integer(std::string_view name, long long least, long long most) const;
  ApiResult<std::optional<double>> number(std::string_view name, double least, double most) const;
  // A text, or a list of at most `most` texts.
  ApiResult<std::vector<std::string>> texts(std::string_view name, std::size_t most) const;

  std::unexpected<HttpError> wrong(std::string_view name, std::string_view must_be) const;

 private:
  const nlohmann::ordered_json& object_;
  std::string prefix_;
};

}  // namespace hyprstream
