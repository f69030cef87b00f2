// What is on disk, as tables in SQL: read anew by each statement.
#pragma once

#include <vector>

#include "catalog/virtual_table.hpp"

namespace hyprstream {

// models, adapters, adapter_versions, adapter_layers, training_runs.
std::vector<VirtualTable> inventory_tables();

}  // namespace hyprstream
