#include "catalog/local_stream.hpp"

#include <utility>
#include <vector>

#include "catalog/duckdb_error.hpp"
#include "catalog/result_schema.hpp"

namespace hyprstream {

LocalStream::LocalStream(std::shared_ptr<Connection> connection, SharedPrepared statement,
                         std::shared_ptr<const std::string> sql)
    : connection_(std::move(connection)), statement_(std::move(statement)), sql_(std::move(sql)) {}

Result<std::unique_ptr<ResultStream>> LocalStream::execute(std::shared_ptr<Connection> connection,
                                                           SharedPrepared statement,
                                                           std::shared_ptr<const std::string> sql, bool query) {
  std::unique_ptr<LocalStream> stream(new LocalStream(std::move(connection), std::move(statement), std::move(sql)));
  stream->result_ = std::make_unique<DuckResult>();
  HYPRSTREAM_TRY(stream->connection_->begin_execution(stream.get()));
  auto* result = stream->result_->get();
  // The streaming call is marked as deprecated, but DuckDB offers no other that does not collect all rows first.
  const auto run = query ? duckdb_execute_prepared_streaming : duckdb_execute_prepared;
  if (run(stream->statement_->get(), result) != DuckDBSuccess) return std::unexpected(stream->error());

  if (duckdb_result_return_type(*result) != DUCKDB_RESULT_TYPE_QUERY_RESULT) {
    stream->rows_changed_ = static_cast<std::int64_t>(duckdb_rows_changed(result));
    stream->schema_ = empty_schema();
    stream->close();
    stream->superseded_ = false;
    return stream;
  }
  std::vector<ResultColumn> columns;
  for (idx_t i = 0; i < duckdb_column_count(result); ++i)
    columns.push_back({duckdb_column_name(result, i), DuckType(duckdb_column_logical_type(result, i))});
  HYPRSTREAM_ASSIGN(stream->schema_, schema_of(stream->connection_->arrow_options(), columns));
  return stream;
}

LocalStream::~LocalStream() { close(); }

Result<ArrowArrayHandle> LocalStream::next() {
  if (superseded_) return fail(ErrorCode::kCancelled, "the result was ended by another statement of its session");
  if (result_ == nullptr) return ArrowArrayHandle();
  if (connection_->cancelled()) {
    close();
    return fail(ErrorCode::kCancelled, "the statement was cancelled");
  }
  const DuckChunk chunk(duckdb_fetch_chunk(*result_->get()));
  if (!chunk || duckdb_data_chunk_get_size(chunk.get()) == 0) {
    const char* message = duckdb_result_error(result_->get());
    const bool failed = message != nullptr && *message != '\0';
    auto why = failed ? error() : Error();
    close();
    superseded_ = false;
    if (failed) return std::unexpected(std::move(why));
    return ArrowArrayHandle();
  }
  ArrowArrayHandle rows;
  HYPRSTREAM_TRY(check_duckdb(duckdb_data_chunk_to_arrow(connection_->arrow_options(), chunk.get(), rows.out())));
  return rows;
}

void LocalStream::close() noexcept {
  if (result_ == nullptr) return;
  superseded_ = true;
  result_.reset();
  connection_->end_execution(this);
}

Error LocalStream::error() const {
  // A function that was told to stop has only a sentence to fail with.
  if (const auto ended = connection_->call_limits().check(); !ended) return ended.error();
  return translate_duckdb_error(duckdb_result_error(result_->get()), *sql_);
}

}  // namespace hyprstream
