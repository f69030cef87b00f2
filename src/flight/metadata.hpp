// What there is in the database, in the forms that Flight SQL's commands ask for.
#pragma once

#include <arrow/flight/sql/server.h>
#include <arrow/record_batch.h>

#include <memory>
#include <optional>

#include "base/error.hpp"
#include "catalog/session.hpp"

namespace hyprstream {

using MetadataRows = Result<std::shared_ptr<arrow::RecordBatchReader>>;

// Patterns are LIKE's, with a backslash before what is meant literally. Errors: as Session::prepare() and
// Statement::execute().
MetadataRows list_catalogs(Session& session);
MetadataRows list_schemas(Session& session, const arrow::flight::sql::GetDbSchemas& filter);
MetadataRows list_tables(Session& session, const arrow::flight::sql::GetTables& filter);
MetadataRows list_table_types();
MetadataRows list_primary_keys(Session& session, const arrow::flight::sql::TableRef& table);
// Columns of foreign keys that lead from one table to another; nothing: from or to any.
MetadataRows list_foreign_keys(Session& session, const std::optional<arrow::flight::sql::TableRef>& to,
                               const std::optional<arrow::flight::sql::TableRef>& from);

}  // namespace hyprstream
