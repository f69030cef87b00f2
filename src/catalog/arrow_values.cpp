#include "catalog/arrow_values.hpp"

#include <cstdint>
#include <format>
#include <utility>
#include <vector>

#include "catalog/duckdb_error.hpp"
#include "catalog/type_name.hpp"

namespace hyprstream {
namespace {

template <typename T>
T element(duckdb_vector vector, idx_t row) {
  return static_cast<const T*>(duckdb_vector_get_data(vector))[row];
}

// DuckDB keeps a UUID as a signed number with its highest bit flipped, so that it sorts.
duckdb_uhugeint uuid_bits(duckdb_hugeint stored) {
  return {stored.lower, static_cast<std::uint64_t>(stored.upper) ^ (std::uint64_t{1} << 63)};
}

DuckValue decimal_at(duckdb_vector vector, duckdb_logical_type type, idx_t row) {
  duckdb_decimal decimal{.width = duckdb_decimal_width(type), .scale = duckdb_decimal_scale(type), .value = {}};
  const auto small = [&decimal](std::int64_t value) {
    decimal.value = {static_cast<std::uint64_t>(value), value < 0 ? -1 : 0};
  };
  switch (duckdb_decimal_internal_type(type)) {
    case DUCKDB_TYPE_SMALLINT: small(element<std::int16_t>(vector, row)); break;
    case DUCKDB_TYPE_INTEGER: small(element<std::int32_t>(vector, row)); break;
    case DUCKDB_TYPE_BIGINT: small(element<std::int64_t>(vector, row)); break;
    default: decimal.value = element<duckdb_hugeint>(vector, row); break;
  }
  return DuckValue(duckdb_create_decimal(decimal));
}

Result<DuckValue> list_of(duckdb_vector child, idx_t begin, idx_t count, duckdb_logical_type child_type, bool array) {
  std::vector<DuckValue> values;
  std::vector<duckdb_value> handles;
  handles.reserve(count + 1);  // DuckDB takes no null pointer, not even for an empty list
  for (idx_t i = begin; i < begin + count; ++i) {
    HYPRSTREAM_ASSIGN(auto value, value_at(child, i));
    handles.push_back(value.get());
    values.push_back(std::move(value));
  }
  return DuckValue(array ? duckdb_create_array_value(child_type, handles.data(), count)
                         : duckdb_create_list_value(child_type, handles.data(), count));
}

Result<DuckValue> struct_at(duckdb_vector vector, duckdb_logical_type type, idx_t row) {
  std::vector<DuckValue> values;
  std::vector<duckdb_value> handles;
  for (idx_t i = 0; i < duckdb_struct_type_child_count(type); ++i) {
    HYPRSTREAM_ASSIGN(auto value, value_at(duckdb_struct_vector_get_child(vector, i), row));
    handles.push_back(value.get());
    values.push_back(std::move(value));
  }
  return DuckValue(duckdb_create_struct_value(type, handles.data()));
}

}  // namespace

Result<DuckChunk> chunk_from_arrow(duckdb_connection connection, duckdb_arrow_converted_schema types,
                                   ArrowArrayHandle rows) {
  DuckChunk chunk;
  // Takes what the array holds; what is left in `rows` is empty, or not taken after an error.
  HYPRSTREAM_TRY(check_duckdb(duckdb_data_chunk_from_arrow(connection, rows.get(), types, chunk.out())));
  return chunk;
}

void refer_to_rows(duckdb_data_chunk part, duckdb_data_chunk chunk, idx_t begin, idx_t count) {
  const bool all = begin == 0 && count == duckdb_data_chunk_get_size(chunk);
  auto* selection = all ? nullptr : duckdb_create_selection_vector(count);
  for (idx_t i = 0; !all && i < count; ++i)
    duckdb_selection_vector_get_data_ptr(selection)[i] = static_cast<sel_t>(begin + i);
  for (idx_t i = 0; i < duckdb_data_chunk_get_column_count(chunk); ++i) {
    auto* vector = duckdb_data_chunk_get_vector(part, i);
    duckdb_vector_reference_vector(vector, duckdb_data_chunk_get_vector(chunk, i));
    if (!all) duckdb_slice_vector(vector, selection, count);
  }
  if (!all) duckdb_destroy_selection_vector(selection);
  duckdb_data_chunk_set_size(part, count);
}

Result<DuckValue> value_at(duckdb_vector vector, idx_t row) {
  auto* validity = duckdb_vector_get_validity(vector);
  if (validity != nullptr && !duckdb_validity_row_is_valid(validity, row)) return DuckValue(duckdb_create_null_value());
  const DuckType type(duckdb_vector_get_column_type(vector));
  switch (duckdb_get_type_id(type.get())) {
    case DUCKDB_TYPE_BOOLEAN: return DuckValue(duckdb_create_bool(element<bool>(vector, row)));
    case DUCKDB_TYPE_TINYINT: return DuckValue(duckdb_create_int8(element<std::int8_t>(vector, row)));
    case DUCKDB_TYPE_SMALLINT: return DuckValue(duckdb_create_int16(element<std::int16_t>(vector, row)));
    case DUCKDB_TYPE_INTEGER: return DuckValue(duckdb_create_int32(element<std::int32_t>(vector, row)));
    case DUCKDB_TYPE_BIGINT: return DuckValue(duckdb_create_int64(element<std::int64_t>(vector, row)));
    case DUCKDB_TYPE_UTINYINT: return DuckValue(duckdb_create_uint8(element<std::uint8_t>(vector, row)));
    case DUCKDB_TYPE_USMALLINT: return DuckValue(duckdb_create_uint16(element<std::uint16_t>(vector, row)));
    case DUCKDB_TYPE_UINTEGER: return DuckValue(duckdb_create_uint32(element<std::uint32_t>(vector, row)));
    case DUCKDB_TYPE_UBIGINT: return DuckValue(duckdb_create_uint64(element<std::uint64_t>(vector, row)));
    case DUCKDB_TYPE_HUGEINT: return DuckValue(duckdb_create_hugeint(element<duckdb_hugeint>(vector, row)));
    case DUCKDB_TYPE_UHUGEINT: return DuckValue(duckdb_create_uhugeint(element<duckdb_uhugeint>(vector, row)));
    case DUCKDB_TYPE_FLOAT: return DuckValue(duckdb_create_float(element<float>(vector, row)));
    case DUCKDB_TYPE_DOUBLE: return DuckValue(duckdb_create_double(element<double>(vector, row)));
    case DUCKDB_TYPE_DECIMAL: return decimal_at(vector, type.get(), row);
    case DUCKDB_TYPE_DATE: return DuckValue(duckdb_create_date(element<duckdb_date>(vector, row)));
    case DUCKDB_TYPE_TIME: return DuckValue(duckdb_create_time(element<duckdb_time>(vector, row)));
    case DUCKDB_TYPE_TIME_NS: return DuckValue(duckdb_create_time_ns(element<duckdb_time_ns>(vector, row)));
    case DUCKDB_TYPE_TIME_TZ: return DuckValue(duckdb_create_time_tz_value(element<duckdb_time_tz>(vector, row)));
    case DUCKDB_TYPE_TIMESTAMP: return DuckValue(duckdb_create_timestamp(element<duckdb_timestamp>(vector, row)));
    case DUCKDB_TYPE_TIMESTAMP_S: return DuckValue(duckdb_create_timestamp_s(element<duckdb_timestamp_s>(vector, row)));
    case DUCKDB_TYPE_TIMESTAMP_MS:
      return DuckValue(duckdb_create_timestamp_ms(element<duckdb_timestamp_ms>(vector, row)));
    case DUCKDB_TYPE_TIMESTAMP_NS:
      return DuckValue(duckdb_create_timestamp_ns(element<duckdb_timestamp_ns>(vector, row)));
    case DUCKDB_TYPE_TIMESTAMP_TZ: return DuckValue(duckdb_create_timestamp_tz(element<duckdb_timestamp>(vector, row)));
    case DUCKDB_TYPE_TIMESTAMP_TZ_NS:
      return DuckValue(duckdb_create_timestamp_tz_ns(element<duckdb_timestamp_ns>(vector, row)));
    case DUCKDB_TYPE_INTERVAL: return DuckValue(duckdb_create_interval(element<duckdb_interval>(vector, row)));
    case DUCKDB_TYPE_UUID: return DuckValue(duckdb_create_uuid(uuid_bits(element<duckdb_hugeint>(vector, row))));
    case DUCKDB_TYPE_VARCHAR: {
      auto text = element<duckdb_string_t>(vector, row);
      return DuckValue(duckdb_create_varchar_length(duckdb_string_t_data(&text), duckdb_string_t_length(text)));
    }
    case DUCKDB_TYPE_BLOB: {
      auto bytes = element<duckdb_string_t>(vector, row);
      return DuckValue(duckdb_create_blob(reinterpret_cast<const std::uint8_t*>(duckdb_string_t_data(&bytes)),
                                          duckdb_string_t_length(bytes)));
    }
    case DUCKDB_TYPE_SQLNULL: return DuckValue(duckdb_create_null_value());
    case DUCKDB_TYPE_LIST: {
      const auto entry = element<duckdb_list_entry>(vector, row);
      const DuckType child(duckdb_list_type_child_type(type.get()));
      return list_of(duckdb_list_vector_get_child(vector), entry.offset, entry.length, child.get(), false);
    }
    case DUCKDB_TYPE_ARRAY: {
      const auto size = duckdb_array_type_array_size(type.get());
      const DuckType child(duckdb_array_type_child_type(type.get()));
      return list_of(duckdb_array_vector_get_child(vector), row * size, size, child.get(), true);
    }
    case DUCKDB_TYPE_STRUCT: return struct_at(vector, type.get(), row);
    default: break;
  }
  return fail(ErrorCode::kUnsupported,
              std::format("a parameter cannot be of the type {}", duckdb_type_name(type.get())));
}

}  // namespace hyprstream
