#include "flight/ingest.hpp"

#include <format>

#include "catalog/sql_text.hpp"
#include "flight/run_sql.hpp"

namespace hyprstream {
namespace {

Result<std::string> timestamp_type(const arrow::TimestampType& type) {
  if (!type.timezone().empty()) return "TIMESTAMP WITH TIME ZONE";
  switch (type.unit()) {
    case arrow::TimeUnit::SECOND: return "TIMESTAMP_S";
    case arrow::TimeUnit::MILLI: return "TIMESTAMP_MS";
    case arrow::TimeUnit::MICRO: return "TIMESTAMP";
    case arrow::TimeUnit::NANO: return "TIMESTAMP_NS";
  }
  std::unreachable();
}

Result<std::string> struct_type(const arrow::DataType& type) {
  std::string fields;
  for (const auto& field : type.fields()) {
    HYPRSTREAM_ASSIGN(const auto inner, sql_type(*field->type()));
    fields += std::format("{}{} {}", fields.empty() ? "" : ", ", sql_identifier(field->name()), inner);
  }
  return std::format("STRUCT({})", fields);
}

Result<bool> table_exists(Session& session, const IngestTarget& target) {
  const auto& name = target.name;
  // What an unqualified name means is the database's affair.
  const std::string schema = !name.schema.empty() ? sql_string(name.schema) : "current_schema()";
  const std::string catalog = target.temporary        ? "'temp'"
                              : !name.catalog.empty() ? sql_string(name.catalog)
                                                      : "current_database()";
  HYPRSTREAM_ASSIGN(const auto rows,
                    query_rows(session,
                               std::format("SELECT 1 FROM duckdb_tables() WHERE lower(database_name) = lower({}) AND "
                                           "lower(schema_name) = lower({}) AND lower(table_name) = lower({})",
                                           catalog, schema, sql_string(name.table)),
                               {}));
  return !rows.empty();
}

}  // namespace

Result<std::string> sql_type(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::NA: return "INTEGER";  // as CREATE TABLE AS SELECT NULL makes it
    case arrow::Type::BOOL: return "BOOLEAN";
    case arrow::Type::INT8: return "TINYINT";
    case arrow::Type::INT16: return "SMALLINT";
    case arrow::Type::INT32: return "INTEGER";
    case arrow::Type::INT64: return "BIGINT";
    case arrow::Type::UINT8: return "UTINYINT";
    case arrow::Type::UINT16: return "USMALLINT";
    case arrow::Type::UINT32: return "UINTEGER";
    case arrow::Type::UINT64: return "UBIGINT";
    case arrow::Type::HALF_FLOAT:
    case arrow::Type::FLOAT: return "FLOAT";
    case arrow::Type::DOUBLE: return "DOUBLE";
    case arrow::Type::STRING:
    case arrow::Type::LARGE_STRING:
    case arrow::Type::STRING_VIEW: return "VARCHAR";
    case arrow::Type::BINARY:
    case arrow::Type::LARGE_BINARY:
    case arrow::Type::BINARY_VIEW:
    case arrow::Type::FIXED_SIZE_BINARY: return "BLOB";
    case arrow::Type::DATE32:
    case arrow::Type::DATE64: return "DATE";
    case arrow::Type::TIME32:
    case arrow::Type::TIME64: return "TIME";
    case arrow::Type::TIMESTAMP: return timestamp_type(static_cast<const arrow::TimestampType&>(type));
    case arrow::Type::DURATION:
    case arrow::Type::INTERVAL_MONTHS:
    case arrow::Type::INTERVAL_DAY_TIME:
    case arrow::Type::INTERVAL_MONTH_DAY_NANO: return "INTERVAL";
    case arrow::Type::DECIMAL32:
    case arrow::Type::DECIMAL64:
    case arrow::Type::DECIMAL128: {
      const auto& decimal = static_cast<const arrow::DecimalType&>(type);
      return std::format("DECIMAL({},{})", decimal.precision(), decimal.scale());
    }
    case arrow::Type::LIST:
    case arrow::Type::LARGE_LIST:
    case arrow::Type::LIST_VIEW:
    case arrow::Type::LARGE_LIST_VIEW: {
      HYPRSTREAM_ASSIGN(const auto inner, sql_type(*type.field(0)->type()));
      return inner + "[]";
    }
    case arrow::Type::FIXED_SIZE_LIST: {
      HYPRSTREAM_ASSIGN(const auto inner, sql_type(*type.field(0)->type()));
      return std::format("{}[{}]", inner, static_cast<const arrow::FixedSizeListType&>(type).list_size());
    }
    case arrow::Type::STRUCT: return struct_type(type);
    case arrow::Type::MAP: {
      const auto& map = static_cast<const arrow::MapType&>(type);
      HYPRSTREAM_ASSIGN(const auto key, sql_type(*map.key_type()));
      HYPRSTREAM_ASSIGN(const auto item, sql_type(*map.item_type()));
      return std::format("MAP({}, {})", key, item);
    }
    case arrow::Type::DICTIONARY: return sql_type(*static_cast<const arrow::DictionaryType&>(type).value_type());
    default:
      return fail(ErrorCode::kUnsupported, std::format("the database has no type for Arrow's {}", type.ToString()));
  }
}

Result<void> prepare_table(Session& session, const IngestTarget& target, const arrow::Schema& schema) {
  HYPRSTREAM_ASSIGN(const bool exists, table_exists(session, target));
  if (exists) {
    if (target.existing == IngestTarget::Existing::kFail)
      return fail(ErrorCode::kAlreadyExists, std::format("the table {} exists already", qualified_name(target.name)));
    if (target.existing == IngestTarget::Existing::kAppend) return {};
  } else if (!target.create) {
    return fail(ErrorCode::kNotFound, std::format("there is no table {}, and the upload does not ask to make one",
                                                  qualified_name(target.name)));
  }
  if (schema.num_fields() == 0) return fail(ErrorCode::kInvalidArgument, "a table needs at least one column");
  std::string columns;
  for (const auto& field : schema.fields()) {
    HYPRSTREAM_ASSIGN(const auto type, sql_type(*field->type()));
    columns += std::format("{}{} {}{}", columns.empty() ? "" : ", ", sql_identifier(field->name()), type,
                           field->nullable() ? "" : " NOT NULL");
  }
  return run_sql(session, std::format("CREATE {}{}TABLE {} ({})", exists ? "OR REPLACE " : "",
                                      target.temporary ? "TEMPORARY " : "", qualified_name(target.name), columns));
}

}  // namespace hyprstream
