// The types of the database, as Flight SQL's GetXdbcTypeInfo describes them.
#pragma once

#include <optional>

#include "flight/metadata.hpp"

namespace hyprstream {

// All, or those with this number among XDBC's types.
MetadataRows type_info(std::optional<int> data_type);

}  // namespace hyprstream
