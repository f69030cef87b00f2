// What DuckDB calls a type.
#pragma once

#include <duckdb.h>

#include <string>

namespace hyprstream {

// "DECIMAL(10,2)", "INTEGER[]", "STRUCT(a INTEGER, b VARCHAR)", "JSON", as DESCRIBE says it.
std::string duckdb_type_name(duckdb_logical_type type);

}  // namespace hyprstream
