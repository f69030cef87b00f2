#include "flight/metadata.hpp"

#include <arrow/array/array_binary.h>
#include <arrow/array/builder_binary.h>
#include <arrow/flight/sql/column_metadata.h>
#include <arrow/ipc/dictionary.h>
#include <arrow/ipc/writer.h>
#include <arrow/util/key_value_metadata.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "flight/arrow_bridge.hpp"
#include "flight/flight_status.hpp"
#include "flight/run_sql.hpp"

namespace hyprstream {
namespace {

namespace sql = arrow::flight::sql;

constexpr std::array<const char*, 3> kTableTypes{"LOCAL TEMPORARY", "TABLE", "VIEW"};

using Values = std::vector<std::optional<std::string>>;

// The rows under the schema that Flight SQL prescribes: names, and which columns have no NULLs.
MetadataRows as_prescribed(const arrow::RecordBatchVector& rows, const std::shared_ptr<arrow::Schema>& schema) {
  arrow::RecordBatchVector batches;
  for (const auto& batch : rows) {
    batches.push_back(arrow::RecordBatch::Make(schema, batch->num_rows(), batch->columns()));
    HYPRSTREAM_TRY(from_flight(batches.back()->Validate()));
  }
  return from_flight(arrow::RecordBatchReader::Make(std::move(batches), schema));
}

MetadataRows query(Session& session, std::string_view text, const Values& values,
                   const std::shared_ptr<arrow::Schema>& schema) {
  HYPRSTREAM_ASSIGN(const auto rows, query_rows(session, text, values));
  return as_prescribed(rows, schema);
}

// A column's own metadata, and which table it is of.
std::shared_ptr<arrow::Field> described(const std::shared_ptr<arrow::Field>& field, const TableName& table) {
  const auto metadata =
      sql::ColumnMetadata::Builder().CatalogName(table.catalog).SchemaName(table.schema).TableName(table.table).Build();
  return field->WithMergedMetadata(metadata.metadata_map());
}

// As IPC writes it; of a view that no longer works, one without fields.
Result<std::shared_ptr<arrow::Buffer>> table_schema(Session& session, const TableName& table) {
  arrow::FieldVector fields;
  if (const auto statement = session.prepare("SELECT * FROM " + qualified_name(table))) {
    HYPRSTREAM_ASSIGN(const auto schema, import_schema((*statement)->schema()));
    for (const auto& field : schema->fields()) fields.push_back(described(field, table));
  }
  return from_flight(arrow::ipc::SerializeSchema(*arrow::schema(std::move(fields))));
}

Result<std::shared_ptr<arrow::RecordBatch>> with_schemas(Session& session, const arrow::RecordBatch& tables) {
  const auto text = [&](int column, std::int64_t row) {
    return static_cast<const arrow::StringArray&>(*tables.column(column)).GetString(row);
  };
  arrow::BinaryBuilder schemas;
  for (std::int64_t row = 0; row < tables.num_rows(); ++row) {
    HYPRSTREAM_ASSIGN(const auto schema,
                      table_schema(session, {.catalog = text(0, row), .schema = text(1, row), .table = text(2, row)}));
    HYPRSTREAM_TRY(from_flight(schemas.Append(schema->data(), static_cast<std::int32_t>(schema->size()))));
  }
  HYPRSTREAM_ASSIGN(auto column, from_flight(schemas.Finish()));
  auto columns = tables.columns();
  columns.push_back(std::move(column));
  return arrow::RecordBatch::Make(sql::SqlSchema::GetTablesSchemaWithIncludedSchema(), tables.num_rows(),
                                  std::move(columns));
}

// The parts of a table's name as three parameters; NULL: any.
void add_name(Values& values, const std::optional<sql::TableRef>& table) {
  values.push_back(table ? table->catalog : std::nullopt);
  values.push_back(table ? table->db_schema : std::nullopt);
  values.push_back(table ? std::optional(table->table) : std::nullopt);
}

}  // namespace

MetadataRows list_catalogs(Session& session) {
  return query(session, "SELECT database_name FROM duckdb_databases() WHERE NOT internal ORDER BY 1", {},
               sql::SqlSchema::GetCatalogsSchema());
}

MetadataRows list_schemas(Session& session, const sql::GetDbSchemas& filter) {
  return query(session,
               "SELECT s.database_name, s.schema_name FROM duckdb_schemas() s JOIN duckdb_databases() d "
               "USING (database_oid) WHERE NOT d.internal "
               "AND ($1::VARCHAR IS NULL OR s.database_name = $1) "
               "AND ($2::VARCHAR IS NULL OR s.schema_name LIKE $2 ESCAPE '\\') ORDER BY 1, 2",
               {filter.catalog, filter.db_schema_filter_pattern}, sql::SqlSchema::GetDbSchemasSchema());
}

MetadataRows list_tables(Session& session, const sql::GetTables& filter) {
  std::string types;
  for (const auto* known : kTableTypes)
    if (filter.table_types.empty() || std::ranges::contains(filter.table_types, std::string_view(known)))
      types += (types.empty() ? "'" : ", '") + std::string(known) + "'";
  if (types.empty()) types = "NULL";
  HYPRSTREAM_ASSIGN(auto rows,
                    query_rows(session,
                               "SELECT * FROM ("
                               "SELECT database_name, schema_name, table_name, "
                               "CASE WHEN temporary THEN 'LOCAL TEMPORARY' ELSE 'TABLE' END AS table_type "
                               "FROM duckdb_tables() WHERE NOT internal UNION ALL "
                               "SELECT database_name, schema_name, view_name, 'VIEW' "
                               "FROM duckdb_views() WHERE NOT internal) "
                               "WHERE ($1::VARCHAR IS NULL OR database_name = $1) "
                               "AND ($2::VARCHAR IS NULL OR schema_name LIKE $2 ESCAPE '\\') "
                               "AND ($3::VARCHAR IS NULL OR table_name LIKE $3 ESCAPE '\\') "
                               "AND table_type IN (" +
                                   types + ") ORDER BY 1, 2, 3, 4",
                               {filter.catalog, filter.db_schema_filter_pattern, filter.table_name_filter_pattern}));
  if (!filter.include_schema) return as_prescribed(rows, sql::SqlSchema::GetTablesSchema());
  for (auto& batch : rows) {
    HYPRSTREAM_ASSIGN(batch, with_schemas(session, *batch));
  }
  return as_prescribed(rows, sql::SqlSchema::GetTablesSchemaWithIncludedSchema());
}

MetadataRows list_table_types() {
  arrow::StringBuilder builder;
  for (const auto* type : kTableTypes) HYPRSTREAM_TRY(from_flight(builder.Append(type)));
  HYPRSTREAM_ASSIGN(auto column, from_flight(builder.Finish()));
  const auto& schema = sql::SqlSchema::GetTableTypesSchema();
  return from_flight(arrow::RecordBatchReader::Make(
      {arrow::RecordBatch::Make(schema, kTableTypes.size(), {std::move(column)})}, schema));
}

MetadataRows list_primary_keys(Session& session, const sql::TableRef& table) {
  Values values;
  add_name(values, table);
  return query(session,
               "SELECT database_name, schema_name, table_name, constraint_column_names[i], i::INTEGER, constraint_name "
               "FROM (SELECT *, unnest(range(1, len(constraint_column_names) + 1)) AS i FROM duckdb_constraints() "
               "WHERE constraint_type = 'PRIMARY KEY') "
               "WHERE ($1::VARCHAR IS NULL OR database_name = $1) AND ($2::VARCHAR IS NULL OR schema_name = $2) "
               "AND table_name = $3 ORDER BY 1, 2, 3, 6, 5",
               values, sql::SqlSchema::GetPrimaryKeysSchema());
}

MetadataRows list_foreign_keys(Session& session, const std::optional<sql::TableRef>& to,
                               const std::optional<sql::TableRef>& from) {
  Values values;
  add_name(values, to);
  add_name(values, from);
  // A foreign key stays within its catalog and schema. 3: NO ACTION, the only rule there is.
  return query(session,
               "SELECT f.database_name, f.schema_name, f.referenced_table, f.referenced_column_names[i], "
               "f.database_name, f.schema_name, f.table_name, f.constraint_column_names[i], i::INTEGER, "
               "f.constraint_name, p.constraint_name, 3::UTINYINT, 3::UTINYINT "
               "FROM (SELECT *, unnest(range(1, len(constraint_column_names) + 1)) AS i FROM duckdb_constraints() "
               "WHERE constraint_type = 'FOREIGN KEY') f LEFT JOIN duckdb_constraints() p ON "
               "p.database_name = f.database_name AND p.schema_name = f.schema_name AND "
               "p.table_name = f.referenced_table AND p.constraint_type IN ('PRIMARY KEY', 'UNIQUE') AND "
               "p.constraint_column_names = f.referenced_column_names "
               "WHERE ($1::VARCHAR IS NULL OR f.database_name = $1) AND ($2::VARCHAR IS NULL OR f.schema_name = $2) "
               "AND ($3::VARCHAR IS NULL OR f.referenced_table = $3) "
               "AND ($4::VARCHAR IS NULL OR f.database_name = $4) AND ($5::VARCHAR IS NULL OR f.schema_name = $5) "
               "AND ($6::VARCHAR IS NULL OR f.table_name = $6) ORDER BY 1, 2, 3, 5, 6, 7, 10, 9",
               values, sql::SqlSchema::GetImportedKeysSchema());
}

}  // namespace hyprstream
