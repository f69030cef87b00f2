// The one place where DuckDB's errors become ours.
#pragma once

#include <duckdb.h>

#include <string_view>

#include "base/error.hpp"

namespace hyprstream {

// `message`: what DuckDB says, as JSON if errors_as_json is set. `sql`: the statement, for the line and column of the
// error.
Error translate_duckdb_error(std::string_view message, std::string_view sql = {});

// The same for a call that returns its error; takes the handle. Nothing if there is none.
Result<void> check_duckdb(duckdb_error_data error);

}  // namespace hyprstream
