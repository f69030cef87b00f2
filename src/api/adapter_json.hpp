// Adapters as the endpoints show them. Internal to api.
#pragma once

#include <nlohmann/json.hpp>

#include "api/api.hpp"
#include "api/json_fields.hpp"

namespace hyprstream {

// One version; `whole`: with every target weight. No path of this machine is in it.
// Errors: a manifest that cannot be read.
ApiResult<nlohmann::ordered_json> adapter_json(const ApiContext& context, const StoredVersion& version, bool whole);

}  // namespace hyprstream
