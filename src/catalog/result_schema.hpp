// Columns of DuckDB's as an Arrow schema.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "catalog/arrow_c_data.hpp"
#include "catalog/duckdb_handles.hpp"

namespace hyprstream {

struct ResultColumn {
  std::string name;
  DuckType type;
};

// A struct with a field for each column, and the name of its type as ResultStream::schema() says. Of types that are not
// known yet: without fields.
Result<ArrowSchemaHandle> schema_of(duckdb_arrow_options options, const std::vector<ResultColumn>& columns);

ArrowSchemaHandle empty_schema();

}  // namespace hyprstream
