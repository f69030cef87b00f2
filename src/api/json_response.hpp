// Answers in JSON. Internal to api.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "api/json_fields.hpp"
#include "http/message.hpp"

namespace hyprstream {

// Texts that are no UTF-8 come out with replacement characters.
inline std::string dump_json(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

inline HttpResponse json_response(const nlohmann::ordered_json& json) { return {.body = dump_json(json)}; }

inline HttpResponse json_response(const ApiResult<nlohmann::ordered_json>& json) {
  return json ? json_response(*json) : error_response(json.error());
}

}  // namespace hyprstream
