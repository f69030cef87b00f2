// What GetSqlInfo says of this server and of DuckDB's SQL.
#pragma once

#include <arrow/flight/sql/types.h>

#include <string>

#include "flight/statement_service.hpp"

namespace hyprstream {

// `version`: of the program.
arrow::flight::sql::SqlInfoResultMap sql_info(const StatementLimits& limits, const std::string& version);

}  // namespace hyprstream
