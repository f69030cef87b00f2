#include "flight/fit_rows.hpp"

#include <arrow/array/util.h>
#include <arrow/compute/cast.h>
#include <arrow/datum.h>
#include <arrow/type_traits.h>

#include <format>
#include <utility>

#include "flight/flight_status.hpp"

namespace hyprstream {
namespace {

bool is_number(const arrow::DataType& type) {
  return arrow::is_integer(type.id()) || arrow::is_floating(type.id()) || arrow::is_decimal(type.id());
}

Result<std::shared_ptr<arrow::Array>> fit_column(const std::shared_ptr<arrow::Array>& column,
                                                 const arrow::Field& wanted) {
  if (column->type()->Equals(*wanted.type())) return column;
  if (column->null_count() == column->length())
    return from_flight(arrow::MakeArrayOfNull(wanted.type(), column->length()));
  if (is_number(*column->type()) && is_number(*wanted.type()))
    if (auto made = arrow::compute::Cast(*column, wanted.type()); made.ok()) return std::move(made).ValueUnsafe();
  return fail(ErrorCode::kInvalidArgument,
              std::format("the column '{}' is {} for one row of the parameters and {} for another: give the parameter "
                          "a type in the statement, as in CAST(? AS BIGINT)",
                          wanted.name(), wanted.type()->ToString(), column->type()->ToString()));
}

}  // namespace

Result<std::shared_ptr<arrow::RecordBatch>> fit_rows(std::shared_ptr<arrow::RecordBatch> rows,
                                                     const std::shared_ptr<arrow::Schema>& schema) {
  if (rows->schema()->Equals(*schema, /*check_metadata=*/false)) return rows;
  if (rows->num_columns() != schema->num_fields())
    return fail(ErrorCode::kInvalidArgument,
                std::format("the result has {} columns for one row of the parameters and {} for another",
                            schema->num_fields(), rows->num_columns()));
  arrow::ArrayVector columns;
  for (int i = 0; i < schema->num_fields(); ++i) {
    HYPRSTREAM_ASSIGN(columns.emplace_back(), fit_column(rows->column(i), *schema->field(i)));
  }
  return arrow::RecordBatch::Make(schema, rows->num_rows(), std::move(columns));
}

Result<std::shared_ptr<arrow::RecordBatch>> without_dictionaries(const arrow::RecordBatch& rows) {
  arrow::FieldVector fields = rows.schema()->fields();
  arrow::ArrayVector columns = rows.columns();
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i]->type_id() != arrow::Type::DICTIONARY) continue;
    const auto& type = static_cast<const arrow::DictionaryType&>(*columns[i]->type()).value_type();
    HYPRSTREAM_ASSIGN(columns[i], from_flight(arrow::compute::Cast(*columns[i], type)));
    fields[i] = fields[i]->WithType(type);
  }
  return arrow::RecordBatch::Make(arrow::schema(std::move(fields)), rows.num_rows(), std::move(columns));
}

}  // namespace hyprstream
