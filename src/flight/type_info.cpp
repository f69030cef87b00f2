#include "flight/type_info.hpp"

#include <arrow/array/array_nested.h>
#include <arrow/array/array_primitive.h>
#include <arrow/array/concatenate.h>
#include <arrow/json/from_string.h>

#include <utility>

#include "flight/flight_status.hpp"

namespace hyprstream {
namespace {

// In the order of Flight SQL's schema: name, XDBC's number, size (digits, characters or bits), prefix and suffix of
// literals, parameters, nullable (1: yes), case-sensitive, searchable (2: all but LIKE, 3: with LIKE), unsigned,
// fixed precision, auto-increment, local name, least and most scale, SQL's number, subcode (1 date, 2 time, 3
// timestamp, 4 and 5 these two with a time zone), radix, interval precision. Sorted by number.
constexpr const char* kTypes = R"([
["VARBINARY", -3, null, "'", "'::BLOB", [], 1, true, 2, null, false, null, "BLOB", null, null, -3, null, null, null],
["BIT", -7, null, "'", "'::BIT", [], 1, false, 2, null, false, null, "BIT", null, null, -7, null, null, null],
["BOOLEAN", -7, 1, null, null, [], 1, false, 2, null, false, null, "BOOLEAN", null, null, -7, null, null, null],
["TINYINT", -6, 8, null, null, [], 1, false, 2, false, false, false, "TINYINT", 0, 0, -6, null, 2, null],
["UTINYINT", -6, 8, null, null, [], 1, false, 2, true, false, false, "UTINYINT", 0, 0, -6, null, 2, null],
["BIGINT", -5, 64, null, null, [], 1, false, 2, false, false, false, "BIGINT", 0, 0, -5, null, 2, null],
["UBIGINT", -5, 64, null, null, [], 1, false, 2, true, false, false, "UBIGINT", 0, 0, -5, null, 2, null],
["HUGEINT", 2, 128, null, null, [], 1, false, 2, false, false, false, "HUGEINT", 0, 0, 2, null, 2, null],
["UHUGEINT", 2, 128, null, null, [], 1, false, 2, true, false, false, "UHUGEINT", 0, 0, 2, null, 2, null],
["DECIMAL", 3, 38, null, null, ["precision", "scale"], 1, false, 2, false, true, false, "DECIMAL", 0, 38, 3, null, 10, null],
["INTEGER", 4, 32, null, null, [], 1, false, 2, false, false, false, "INTEGER", 0, 0, 4, null, 2, null],
["UINTEGER", 4, 32, null, null, [], 1, false, 2, true, false, false, "UINTEGER", 0, 0, 4, null, 2, null],
["SMALLINT", 5, 16, null, null, [], 1, false, 2, false, false, false, "SMALLINT", 0, 0, 5, null, 2, null],
["USMALLINT", 5, 16, null, null, [], 1, false, 2, true, false, false, "USMALLINT", 0, 0, 5, null, 2, null],
["REAL", 7, 24, null, null, [], 1, false, 2, false, false, false, "FLOAT", null, null, 7, null, 2, null],
["DOUBLE", 8, 53, null, null, [], 1, false, 2, false, false, false, "DOUBLE", null, null, 8, null, 2, null],
["INTERVAL", 10, null, "'", "'::INTERVAL", [], 1, false, 2, null, false, null, "INTERVAL", null, null, 10, null, null, 6],
["UUID", 12, 36, "'", "'::UUID", [], 1, false, 2, null, false, null, "UUID", null, null, 12, null, null, null],
["VARCHAR", 12, null, "'", "'", [], 1, true, 3, null, false, null, "VARCHAR", null, null, 12, null, null, null],
["DATE", 91, 10, "DATE '", "'", [], 1, false, 2, null, false, null, "DATE", null, null, 9, 1, null, null],
["TIME", 92, 15, "TIME '", "'", [], 1, false, 2, null, false, null, "TIME", 6, 6, 9, 2, null, null],
["TIME WITH TIME ZONE", 92, 21, "TIMETZ '", "'", [], 1, false, 2, null, false, null, "TIME WITH TIME ZONE", 6, 6, 9, 4, null, null],
["TIMESTAMP", 93, 26, "TIMESTAMP '", "'", [], 1, false, 2, null, false, null, "TIMESTAMP", 6, 6, 9, 3, null, null],
["TIMESTAMP WITH TIME ZONE", 93, 32, "TIMESTAMPTZ '", "'", [], 1, false, 2, null, false, null, "TIMESTAMP WITH TIME ZONE", 6, 6, 9, 5, null, null],
["TIMESTAMP_NS", 93, 29, "'", "'::TIMESTAMP_NS", [], 1, false, 2, null, false, null, "TIMESTAMP_NS", 9, 9, 9, 3, null, null]
])";

}  // namespace

MetadataRows type_info(std::optional<int> data_type) {
  const auto& schema = arrow::flight::sql::SqlSchema::GetXdbcTypeInfoSchema();
  HYPRSTREAM_ASSIGN(const auto rows,
                    from_flight(arrow::json::ArrayFromJSONString(arrow::struct_(schema->fields()), kTypes)));
  HYPRSTREAM_ASSIGN(const auto all, from_flight(arrow::RecordBatch::FromStructArray(rows)));
  arrow::RecordBatchVector batches;
  if (!data_type) batches.push_back(all);
  const auto& numbers = static_cast<const arrow::Int32Array&>(*all->column(1));
  for (std::int64_t row = 0; data_type && row < all->num_rows(); ++row)
    if (numbers.Value(row) == *data_type) batches.push_back(all->Slice(row, 1));
  return from_flight(arrow::RecordBatchReader::Make(std::move(batches), schema));
}

}  // namespace hyprstream
