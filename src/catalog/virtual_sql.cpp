#include "catalog/virtual_sql.hpp"

#include <algorithm>
#include <cstring>
#include <format>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace hyprstream {
namespace {

DuckType duck_type(CellType type) {
  switch (type) {
    case CellType::kBoolean: return DuckType(duckdb_create_logical_type(DUCKDB_TYPE_BOOLEAN));
    case CellType::kInteger: return DuckType(duckdb_create_logical_type(DUCKDB_TYPE_BIGINT));
    case CellType::kReal: return DuckType(duckdb_create_logical_type(DUCKDB_TYPE_DOUBLE));
    case CellType::kText: return DuckType(duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR));
    case CellType::kTime: return DuckType(duckdb_create_logical_type(DUCKDB_TYPE_TIMESTAMP_TZ));
    case CellType::kTexts: {
      const DuckType text(duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR));
      return DuckType(duckdb_create_list_type(text.get()));
    }
  }
  return DuckType(duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR));
}

template <typename T>
void put(duckdb_vector vector, idx_t row, T value) {
  static_cast<T*>(duckdb_vector_get_data(vector))[row] = value;
}

void put_texts(duckdb_vector vector, idx_t row, const std::vector<std::string>& texts) {
  const idx_t begin = duckdb_list_vector_get_size(vector);
  duckdb_list_vector_reserve(vector, begin + texts.size());
  duckdb_list_vector_set_size(vector, begin + texts.size());
  auto* child = duckdb_list_vector_get_child(vector);
  for (std::size_t i = 0; i < texts.size(); ++i)
    duckdb_vector_assign_string_element_len(child, begin + i, texts[i].data(), texts[i].size());
  put(vector, row, duckdb_list_entry{begin, texts.size()});
}

void put_cell(duckdb_vector vector, idx_t row, const Cell& cell) {
  std::visit(
      [&](const auto& value) {
        using T = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<T, std::monostate>) {
          duckdb_vector_ensure_validity_writable(vector);
          duckdb_validity_set_row_invalid(duckdb_vector_get_validity(vector), row);
        } else if constexpr (std::is_same_v<T, std::string>) {
          duckdb_vector_assign_string_element_len(vector, row, value.data(), value.size());
        } else if constexpr (std::is_same_v<T, std::vector<std::string>>) {
          put_texts(vector, row, value);
        } else if constexpr (std::is_same_v<T, std::chrono::system_clock::time_point>) {
          put(vector, row,
              duckdb_timestamp{
                  std::chrono::duration_cast<std::chrono::microseconds>(value.time_since_epoch()).count()});
        } else {
          put(vector, row, value);
        }
      },
      cell);
}

// One reading of the table.
struct Reading {
  CellRows rows;
  std::size_t next = 0;
};

void bind(duckdb_bind_info info) {
  const auto& self = *static_cast<const RegisteredTable*>(duckdb_bind_get_extra_info(info));
  for (const auto& column : self.table.columns) {
    const auto type = duck_type(column.type);
    duckdb_bind_add_result_column(info, column.name.c_str(), type.get());
  }
  duckdb_client_context context = nullptr;
  duckdb_table_function_get_client_context(info, &context);
  duckdb_bind_set_bind_data(info, new idx_t(connection_id(context)), [](void* id) { delete static_cast<idx_t*>(id); });
}

// The rows are read when the statement runs, not when it is prepared.
void init(duckdb_init_info info) {
  const auto& self = *static_cast<const RegisteredTable*>(duckdb_init_get_extra_info(info));
  const auto connection = self.connections->find(*static_cast<const idx_t*>(duckdb_init_get_bind_data(info)));
  if (connection == nullptr) return duckdb_init_set_error(info, "the session has ended");
  duckdb_init_set_max_threads(info, 1);
  auto rows = self.read(*connection);
  if (!rows) return duckdb_init_set_error(info, rows.error().message.c_str());
  duckdb_init_set_init_data(info, new Reading{.rows = std::move(*rows)},
                            [](void* reading) { delete static_cast<Reading*>(reading); });
}

void read(duckdb_function_info info, duckdb_data_chunk out) {
  const auto& self = *static_cast<const RegisteredTable*>(duckdb_function_get_extra_info(info));
  auto& reading = *static_cast<Reading*>(duckdb_function_get_init_data(info));
  const auto count = std::min<std::size_t>(reading.rows.size() - reading.next, duckdb_vector_size());
  for (std::size_t i = 0; i < self.table.columns.size(); ++i) {
    auto* vector = duckdb_data_chunk_get_vector(out, i);
    for (std::size_t row = 0; row < count; ++row) put_cell(vector, row, reading.rows[reading.next + row][i]);
  }
  duckdb_data_chunk_set_size(out, count);
  reading.next += count;
}

}  // namespace

Result<void> register_virtual_table(Connection& connection, RegisteredTable table) {
  const auto name = "hyprstream_" + table.table.name;
  const DuckTableFunction function(duckdb_create_table_function());
  duckdb_table_function_set_name(function.get(), name.c_str());
  duckdb_table_function_set_extra_info(function.get(), new RegisteredTable(std::move(table)),
                                       [](void* self) { delete static_cast<RegisteredTable*>(self); });
  duckdb_table_function_set_bind(function.get(), bind);
  duckdb_table_function_set_init(function.get(), init);
  duckdb_table_function_set_function(function.get(), read);
  if (duckdb_register_table_function(connection.handle(), function.get()) == DuckDBSuccess) return {};
  return fail(ErrorCode::kInternal, std::format("the database refuses the function {}", name));
}

std::string virtual_view(const std::string& name) {
  return std::format("CREATE TEMP VIEW {0} AS FROM hyprstream_{0}();", name);
}

}  // namespace hyprstream
