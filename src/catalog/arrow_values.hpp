// Single values out of Arrow's columns, for the parameters of statements.
#pragma once

#include "base/error.hpp"
#include "catalog/arrow_c_data.hpp"
#include "catalog/duckdb_handles.hpp"

namespace hyprstream {

// Columns of Arrow's as DuckDB's. `rows` is taken.
Result<DuckChunk> chunk_from_arrow(duckdb_connection connection, duckdb_arrow_converted_schema types,
                                   ArrowArrayHandle rows);

// Makes `part`, of the same types, show some rows of a chunk, of any size, without a copy. `count`: at most a vector's.
void refer_to_rows(duckdb_data_chunk part, duckdb_data_chunk chunk, idx_t begin, idx_t count);

// Errors: kUnsupported (a map, a union, or another type that a parameter cannot have).
Result<DuckValue> value_at(duckdb_vector vector, idx_t row);

}  // namespace hyprstream
