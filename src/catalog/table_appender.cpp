#include "catalog/table_appender.hpp"

#include <utility>

#include "catalog/arrow_schema.hpp"
#include "catalog/arrow_values.hpp"
#include "catalog/duckdb_error.hpp"

namespace hyprstream {
namespace {

const char* or_null(const std::string& name) { return name.empty() ? nullptr : name.c_str(); }

}  // namespace

Result<std::unique_ptr<BulkAppender>> TableAppender::create(std::shared_ptr<Connection> connection,
                                                            const TableName& table, const ArrowSchema& schema) {
  HYPRSTREAM_TRY(connection->check_allowed(DUCKDB_STATEMENT_TYPE_INSERT));
  HYPRSTREAM_TRY(connection->begin_execution(nullptr));
  std::unique_ptr<TableAppender> made(new TableAppender(std::move(connection)));
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
  for (std::int64_t i = 0; i < schema.n_children; ++i)
    if (duckdb_appender_add_column(made->appender_.get(), schema.children[i]->name) != DuckDBSuccess)
      return std::unexpected(made->error());
  return made;
}

TableAppender::~TableAppender() {
  if (appender_) static_cast<void>(duckdb_appender_clear(appender_.get()));
  appender_ = DuckAppender();
  if (own_transaction_) static_cast<void>(connection_->rollback());
}

Result<void> TableAppender::append(ArrowArrayHandle rows) {
  if (connection_->cancelled()) return fail(ErrorCode::kCancelled, "the statement was cancelled");
  const auto count = rows->length;
  HYPRSTREAM_ASSIGN(const auto chunk, chunk_from_arrow(connection_->handle(), types_.get(), std::move(rows)));
  if (duckdb_append_data_chunk(appender_.get(), chunk.get()) != DuckDBSuccess) return std::unexpected(error());
  rows_ += count;
  return {};
}

Result<std::int64_t> TableAppender::finish() {
  if (duckdb_appender_close(appender_.get()) != DuckDBSuccess) return std::unexpected(error());
  if (std::exchange(own_transaction_, false)) HYPRSTREAM_TRY(connection_->commit());
  return rows_;
}

Error TableAppender::error() const {
  const DuckErrorData data(duckdb_appender_error_data(appender_.get()));
  return translate_duckdb_error(data ? duckdb_error_data_message(data.get()) : "the table does not take the rows");
}

}  // namespace hyprstream
