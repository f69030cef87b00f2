// POST /v1/completions and /v1/chat/completions. Internal to api.
#pragma once

#include "api/api.hpp"

namespace hyprstream {

HttpResponse handle_completion(const ApiContext& context, const HttpRequest& request);
HttpResponse handle_chat_completion(const ApiContext& context, const HttpRequest& request);

}  // namespace hyprstream
