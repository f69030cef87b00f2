#include "catalog/type_name.hpp"

#include <algorithm>
#include <format>
#include <string_view>

#include "catalog/duckdb_handles.hpp"
#include "catalog/sql_text.hpp"

namespace hyprstream {
namespace {

std::string identifier(std::string_view name) {
  const bool plain =
      !name.empty() && !(name.front() >= '0' && name.front() <= '9') && std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
      });
  return plain ? std::string(name) : sql_identifier(name);
}

std::string name_and_destroy(duckdb_logical_type type) {
  const DuckType owned(type);
  return duckdb_type_name(type);
}

std::string struct_name(duckdb_logical_type type) {
  std::string members;
  for (idx_t i = 0; i < duckdb_struct_type_child_count(type); ++i) {
    const DuckText name(duckdb_struct_type_child_name(type, i));
    members += std::format("{}{} {}", i == 0 ? "" : ", ", identifier(name.get()),
                           name_and_destroy(duckdb_struct_type_child_type(type, i)));
  }
  return std::format("STRUCT({})", members);
}

std::string union_name(duckdb_logical_type type) {
  std::string members;
  for (idx_t i = 0; i < duckdb_union_type_member_count(type); ++i) {
    const DuckText name(duckdb_union_type_member_name(type, i));
    members += std::format("{}{} {}", i == 0 ? "" : ", ", identifier(name.get()),
                           name_and_destroy(duckdb_union_type_member_type(type, i)));
  }
  return std::format("UNION({})", members);
}

std::string enum_name(duckdb_logical_type type) {
  std::string values;
  for (std::uint32_t i = 0; i < duckdb_enum_dictionary_size(type); ++i) {
    const DuckText value(duckdb_enum_dictionary_value(type, i));
    values += (i == 0 ? "" : ", ") + sql_string(value.get());
  }
  return std::format("ENUM({})", values);
}

}  // namespace

std::string duckdb_type_name(duckdb_logical_type type) {
  if (const DuckText alias(duckdb_logical_type_get_alias(type)); *alias.get() != '\0') return alias.get();
  switch (duckdb_get_type_id(type)) {
    case DUCKDB_TYPE_BOOLEAN: return "BOOLEAN";
    case DUCKDB_TYPE_TINYINT: return "TINYINT";
    case DUCKDB_TYPE_SMALLINT: return "SMALLINT";
    case DUCKDB_TYPE_INTEGER: return "INTEGER";
    case DUCKDB_TYPE_BIGINT: return "BIGINT";
    case DUCKDB_TYPE_UTINYINT: return "UTINYINT";
    case DUCKDB_TYPE_USMALLINT: return "USMALLINT";
    case DUCKDB_TYPE_UINTEGER: return "UINTEGER";
    case DUCKDB_TYPE_UBIGINT: return "UBIGINT";
    case DUCKDB_TYPE_HUGEINT: return "HUGEINT";
    case DUCKDB_TYPE_UHUGEINT: return "UHUGEINT";
    case DUCKDB_TYPE_BIGNUM: return "BIGNUM";
    case DUCKDB_TYPE_FLOAT: return "FLOAT";
    case DUCKDB_TYPE_DOUBLE: return "DOUBLE";
    case DUCKDB_TYPE_DECIMAL:
      return std::format("DECIMAL({},{})", duckdb_decimal_width(type), duckdb_decimal_scale(type));
    case DUCKDB_TYPE_TIMESTAMP: return "TIMESTAMP";
    case DUCKDB_TYPE_TIMESTAMP_S: return "TIMESTAMP_S";
    case DUCKDB_TYPE_TIMESTAMP_MS: return "TIMESTAMP_MS";
    case DUCKDB_TYPE_TIMESTAMP_NS: return "TIMESTAMP_NS";
    case DUCKDB_TYPE_TIMESTAMP_TZ: return "TIMESTAMP WITH TIME ZONE";
    case DUCKDB_TYPE_TIMESTAMP_TZ_NS: return "TIMESTAMP_NS WITH TIME ZONE";
    case DUCKDB_TYPE_DATE: return "DATE";
    case DUCKDB_TYPE_TIME: return "TIME";
    case DUCKDB_TYPE_TIME_NS: return "TIME_NS";
    case DUCKDB_TYPE_TIME_TZ: return "TIME WITH TIME ZONE";
    case DUCKDB_TYPE_INTERVAL: return "INTERVAL";
    case DUCKDB_TYPE_VARCHAR: return "VARCHAR";
    case DUCKDB_TYPE_BLOB: return "BLOB";
    case DUCKDB_TYPE_BIT: return "BIT";
    case DUCKDB_TYPE_UUID: return "UUID";
    case DUCKDB_TYPE_GEOMETRY: return "GEOMETRY";
    case DUCKDB_TYPE_VARIANT: return "VARIANT";
    case DUCKDB_TYPE_SQLNULL: return "NULL";
    case DUCKDB_TYPE_ENUM: return enum_name(type);
    case DUCKDB_TYPE_LIST: return name_and_destroy(duckdb_list_type_child_type(type)) + "[]";
    case DUCKDB_TYPE_ARRAY:
      return std::format("{}[{}]", name_and_destroy(duckdb_array_type_child_type(type)),
                         duckdb_array_type_array_size(type));
    case DUCKDB_TYPE_MAP:
      return std::format("MAP({}, {})", name_and_destroy(duckdb_map_type_key_type(type)),
                         name_and_destroy(duckdb_map_type_value_type(type)));
    case DUCKDB_TYPE_STRUCT: return struct_name(type);
    case DUCKDB_TYPE_UNION: return union_name(type);
    case DUCKDB_TYPE_INVALID:
    case DUCKDB_TYPE_ANY:
    case DUCKDB_TYPE_STRING_LITERAL:
    case DUCKDB_TYPE_INTEGER_LITERAL: break;
  }
  return "UNKNOWN";
}

}  // namespace hyprstream
