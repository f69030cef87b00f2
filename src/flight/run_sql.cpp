#include "flight/run_sql.hpp"

#include <arrow/array/builder_binary.h>

#include <utility>

#include "catalog/sql_text.hpp"
#include "flight/arrow_bridge.hpp"
#include "flight/flight_status.hpp"

namespace hyprstream {
namespace {

// One row of texts, named after their places.
Result<std::shared_ptr<arrow::RecordBatch>> parameter_row(const std::vector<std::optional<std::string>>& values) {
  arrow::FieldVector fields;
  arrow::ArrayVector columns;
  for (const auto& value : values) {
    arrow::StringBuilder builder;
    HYPRSTREAM_TRY(from_flight(value ? builder.Append(*value) : builder.AppendNull()));
    HYPRSTREAM_ASSIGN(columns.emplace_back(), from_flight(builder.Finish()));
    fields.push_back(arrow::field(std::to_string(fields.size() + 1), arrow::utf8()));
  }
  return arrow::RecordBatch::Make(arrow::schema(std::move(fields)), 1, std::move(columns));
}

}  // namespace

std::string qualified_name(const TableName& name) {
  std::string text;
  for (const auto& part : {name.catalog, name.schema})
    if (!part.empty()) text += sql_identifier(part) + ".";
  return text + sql_identifier(name.table);
}

Result<void> run_sql(Session& session, std::string_view sql) {
  HYPRSTREAM_ASSIGN(const auto statement, session.prepare(sql));
  HYPRSTREAM_ASSIGN(const auto stream, statement->execute());
  while (true) {
    HYPRSTREAM_ASSIGN(const auto rows, stream->next());
    if (!rows) return {};
  }
}

Result<arrow::RecordBatchVector> query_rows(Session& session, std::string_view sql,
                                            const std::vector<std::optional<std::string>>& values) {
  HYPRSTREAM_ASSIGN(const auto statement, session.prepare(sql));
  if (!values.empty()) {
    HYPRSTREAM_ASSIGN(const auto row, parameter_row(values));
    HYPRSTREAM_ASSIGN(const auto schema, export_schema(*row->schema()));
    HYPRSTREAM_ASSIGN(auto array, export_batch(*row));
    HYPRSTREAM_TRY(statement->bind(*schema, std::move(array)));
  }
  HYPRSTREAM_ASSIGN(const auto stream, statement->execute());
  HYPRSTREAM_ASSIGN(const auto schema, import_schema(stream->schema()));
  arrow::RecordBatchVector batches;
  while (true) {
    HYPRSTREAM_ASSIGN(auto rows, stream->next());
    if (!rows) return batches;
    HYPRSTREAM_ASSIGN(batches.emplace_back(), import_batch(std::move(rows), schema));
  }
}

}  // namespace hyprstream
