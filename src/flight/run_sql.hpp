// SQL that the server runs for itself, for catalogs and uploads.
#pragma once

#include <arrow/record_batch.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "catalog/session.hpp"

namespace hyprstream {

// "catalog"."schema"."table", without the parts that are empty.
std::string qualified_name(const TableName& name);

// Runs it to its end. Errors: as Session::prepare() and Statement::execute().
Result<void> run_sql(Session& session, std::string_view sql);

// All rows of a query; `values` are its parameters, texts. Errors: as run_sql().
Result<arrow::RecordBatchVector> query_rows(Session& session, std::string_view sql,
                                            const std::vector<std::optional<std::string>>& values);

}  // namespace hyprstream
