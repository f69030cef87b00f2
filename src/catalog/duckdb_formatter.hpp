// The formatter: DuckDB's own casts and writers.
#pragma once

#include <memory>

#include "catalog/database.hpp"
#include "catalog/text_result.hpp"

namespace hyprstream {

// Works in the database that is given, one formatter for each. Errors: kInternal.
Result<std::unique_ptr<TextFormatter>> make_duckdb_formatter(Database& database);

}  // namespace hyprstream
