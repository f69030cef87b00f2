#include "catalog/table_appender.hpp"

#include <algorithm>
#include <charconv>
#include <format>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "catalog/arrow_schema.hpp"
#include "catalog/arrow_values.hpp"
#include "catalog/duckdb_error.hpp"
#include "catalog/type_name.hpp"

namespace hyprstream {
namespace {

const char* or_null(const std::string& name) { return name.empty() ? nullptr : name.c_str(); }

DuckType column_type(duckdb_data_chunk chunk, idx_t column) {
  return DuckType(duckdb_vector_get_column_type(duckdb_data_chunk_get_vector(chunk, column)));
}

DuckChunk chunk_like(duckdb_data_chunk chunk) {
  std::vector<DuckType> types;
  std::vector<duckdb_logical_type> handles;
  for (idx_t i = 0; i < duckdb_data_chunk_get_column_count(chunk); ++i)
    handles.push_back(types.emplace_back(column_type(chunk, i)).get());
  return DuckChunk(duckdb_create_data_chunk(handles.data(), handles.size()));
}

// "type mismatch ..., expected INTEGER, got VARCHAR for column 3" -> 3.
std::optional<idx_t> column_in(std::string_view message) {
  constexpr std::string_view kBefore = "for column ";
  const auto at = message.rfind(kBefore);
  if (!message.starts_with("type mismatch") || at == std::string_view::npos) return std::nullopt;
  const auto number = message.substr(at + kBefore.size());
  idx_t column = 0;
  const auto read = std::from_chars(number.data(), number.data() + number.size(), column);
  return read.ec == std::errc() ? std::optional(column) : std::nullopt;
}

}  // namespace

Result<std::unique_ptr<BulkAppender>> TableAppender::create(std::shared_ptr<Connection> connection,
                                                            const TableName& table, const ArrowSchema& schema) {
  HYPRSTREAM_TRY(connection->check_allowed(DUCKDB_STATEMENT_TYPE_INSERT));
  HYPRSTREAM_TRY(connection->begin_execution(nullptr));
  std::unique_ptr<TableAppender> made(new TableAppender(std::move(connection)));
  made->readable_values_ = !has_dictionary(schema);
  auto copy = build_arrow_schema(read_arrow_schema(schema));  // DuckDB takes it as not const
  HYPRSTREAM_TRY(check_duckdb(duckdb_schema_from_arrow(made->connection_->handle(), copy.get(), made->types_.out())));
  // A transaction that is open already holds the rows; else one of our own does, so that they come all or not at all.
  if (!made->connection_->in_transaction()) {
    HYPRSTREAM_TRY(made->connection_->begin());
    made->own_transaction_ = true;
  }
  if (duckdb_appender_create_ext(made->connection_->handle(), or_null(table.catalog), or_null(table.schema),
                                 table.table.c_str(), made->appender_.out()) != DuckDBSuccess) {
    auto error = made->error();
    if (error.message.contains("could not be found")) error.code = ErrorCode::kNotFound;
    return std::unexpected(std::move(error));
  }
  for (std::int64_t i = 0; i < schema.n_children; ++i) {
    if (duckdb_appender_add_column(made->appender_.get(), schema.children[i]->name) != DuckDBSuccess)
      return std::unexpected(made->error());
    made->columns_.emplace_back(schema.children[i]->name);
  }
  return made;
}

TableAppender::~TableAppender() {
  if (appender_) static_cast<void>(duckdb_appender_clear(appender_.get()));
  appender_ = DuckAppender();
  if (own_transaction_)
    static_cast<void>(connection_->rollback());
  else if (!finished_)
    connection_->abort();  // rows that are in the table already must not be kept
}

Result<void> TableAppender::append(ArrowArrayHandle rows) {
  if (connection_->cancelled()) return fail(ErrorCode::kCancelled, "the statement was cancelled");
  if (rows->length == 0) return {};
  HYPRSTREAM_ASSIGN(const auto chunk, chunk_from_arrow(connection_->handle(), types_.get(), std::move(rows)));
  const idx_t size = duckdb_data_chunk_get_size(chunk.get());
  if (converts(chunk.get())) {  // which DuckDB does for a vector at a time
    for (idx_t begin = 0; begin < size; begin += duckdb_vector_size())
      HYPRSTREAM_TRY(append_part(chunk.get(), begin, std::min(size - begin, duckdb_vector_size())));
  } else if (duckdb_append_data_chunk(appender_.get(), chunk.get()) != DuckDBSuccess) {
    return std::unexpected(error());
  }
  rows_ += static_cast<std::int64_t>(size);
  return {};
}

bool TableAppender::converts(duckdb_data_chunk chunk) const {
  for (idx_t i = 0; i < duckdb_data_chunk_get_column_count(chunk); ++i) {
    const DuckType wanted(duckdb_appender_column_type(appender_.get(), i));
    if (duckdb_type_name(wanted.get()) != duckdb_type_name(column_type(chunk, i).get())) return true;
  }
  return false;
}

Result<void> TableAppender::append_part(duckdb_data_chunk chunk, idx_t begin, idx_t count) {
  const auto part = chunk_like(chunk);
  refer_to_rows(part.get(), chunk, begin, count);
  if (duckdb_append_data_chunk(appender_.get(), part.get()) == DuckDBSuccess) return {};
  return std::unexpected(conversion_error(chunk, begin, count));
}

// The upload has failed, so it does no harm that rows before the one that is looked for are appended once more.
Error TableAppender::conversion_error(duckdb_data_chunk chunk, idx_t begin, idx_t count) {
  auto said = error();
  const auto column = column_in(said.message);
  if (!column || *column >= columns_.size()) return said;
  const DuckType wanted(duckdb_appender_column_type(appender_.get(), *column));
  std::string value = "a value";
  for (idx_t row = begin; readable_values_ && row < begin + count; ++row) {
    const auto part = chunk_like(chunk);
    refer_to_rows(part.get(), chunk, row, 1);
    if (duckdb_append_data_chunk(appender_.get(), part.get()) == DuckDBSuccess) continue;
    if (const auto found = value_at(duckdb_data_chunk_get_vector(chunk, *column), row)) {
      const DuckText text(duckdb_get_varchar(found->get()));
      value = std::format("the value '{}'", text.get());
    }
    break;
  }
  return {ErrorCode::kInvalidArgument,
          std::format("{} of the column '{}' cannot be converted from {} to the table's {}", value, columns_[*column],
                      duckdb_type_name(column_type(chunk, *column).get()), duckdb_type_name(wanted.get()))};
}

Result<std::int64_t> TableAppender::finish() {
  if (duckdb_appender_close(appender_.get()) != DuckDBSuccess) return std::unexpected(error());
  finished_ = true;
  if (std::exchange(own_transaction_, false)) HYPRSTREAM_TRY(connection_->commit());
  return rows_;
}

Error TableAppender::error() const {
  const DuckErrorData data(duckdb_appender_error_data(appender_.get()));
  return translate_duckdb_error(data ? duckdb_error_data_message(data.get()) : "the table does not take the rows");
}

}  // namespace hyprstream
