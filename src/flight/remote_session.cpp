#include "flight/remote_session.hpp"

#include <format>
#include <string>
#include <utility>

#include "base/utf8.hpp"
#include "flight/arrow_bridge.hpp"
#include "flight/flight_status.hpp"
#include "flight/prepared_schema.hpp"
#include "flight/remote_appender.hpp"
#include "flight/run_sql.hpp"

namespace hyprstream {

namespace fl = arrow::flight;

Result<std::unique_ptr<Session>> connect_flight(const FlightClientOptions& options) {
  HYPRSTREAM_ASSIGN(auto connection, RemoteConnection::open(options));
  return std::make_unique<RemoteSession>(std::move(connection));
}

Result<std::unique_ptr<Statement>> RemoteSession::prepare(std::string_view sql) {
  return RemoteStatement::prepare(connection_, sql);
}

Result<std::unique_ptr<BulkAppender>> RemoteSession::append_to(const TableName& table, const ArrowSchema& schema) {
  return RemoteAppender::open(connection_, table, schema);
}

Result<void> RemoteSession::run(const std::string& sql) { return run_sql(*this, sql); }

Result<std::unique_ptr<Statement>> RemoteStatement::prepare(std::shared_ptr<RemoteConnection> connection,
                                                            std::string_view sql) {
  // Protobuf would only say that something is not UTF-8.
  if (const auto invalid = find_invalid_utf8(sql))
    return fail(ErrorCode::kInvalidArgument, std::format("the statement is not valid UTF-8 at byte {}", *invalid));
  std::unique_ptr<RemoteStatement> statement(new RemoteStatement(std::move(connection)));
  auto& remote = *statement->connection_;
  remote.begin_execution();
  auto prepared = remote.sql().Prepare(remote.call(), std::string(sql));
  if (!prepared.ok()) return std::unexpected(remote.error(prepared.status()));
  statement->prepared_ = std::move(*prepared);
  const auto info = read_prepared_schema(*statement->prepared_->dataset_schema());
  statement->handle_ = info.handle;
  statement->kind_ = info.kind;
  HYPRSTREAM_ASSIGN(statement->schema_, export_schema(*statement->prepared_->dataset_schema()->RemoveMetadata()));
  HYPRSTREAM_ASSIGN(statement->parameters_, export_schema(*statement->prepared_->parameter_schema()));
  return statement;
}

RemoteStatement::~RemoteStatement() {
  if (prepared_ != nullptr) static_cast<void>(prepared_->Close(connection_->call()));
}

Result<void> RemoteStatement::bind(const ArrowSchema& schema, ArrowArrayHandle rows) {
  if (schema.n_children != parameters_->n_children)
    return fail(ErrorCode::kInvalidArgument, std::format("the statement has {} parameters, and {} values came",
                                                         parameters_->n_children, schema.n_children));
  HYPRSTREAM_ASSIGN(const auto imported, import_schema(schema));
  HYPRSTREAM_ASSIGN(values_, import_batch(std::move(rows), imported));
  return {};
}

Result<std::unique_ptr<ResultStream>> RemoteStatement::execute(std::int64_t row) {
  connection_->begin_execution();
  if (parameters_->n_children > 0 && values_ != nullptr) {
    if (row < 0 || row >= values_->num_rows())
      return fail(ErrorCode::kInvalidArgument, std::format("there are no values for execution {}", row));
    HYPRSTREAM_TRY(from_flight(prepared_->SetParameters(values_->Slice(row, 1))));
  }
  connection_->set_running(handle_, nullptr);
  auto result = kind_ == StatementKind::kQuery ? run_query() : run_change();
  if (!result || kind_ != StatementKind::kQuery) connection_->set_running({}, nullptr);
  return result;
}

Result<std::unique_ptr<ResultStream>> RemoteStatement::run_query() {
  const auto info = prepared_->Execute(connection_->call());
  if (!info.ok()) return std::unexpected(connection_->error(info.status()));
  return RemoteStream::open(connection_, handle_, **info);
}

Result<std::unique_ptr<ResultStream>> RemoteStatement::run_change() {
  const auto changed = prepared_->ExecuteUpdate(connection_->call());
  if (!changed.ok()) return std::unexpected(connection_->error(changed.status()));
  return RemoteStream::of_change(*changed);
}

Result<std::unique_ptr<ResultStream>> RemoteStream::open(std::shared_ptr<RemoteConnection> connection,
                                                         std::string handle, const fl::FlightInfo& info) {
  std::unique_ptr<RemoteStream> stream(new RemoteStream());
  stream->connection_ = std::move(connection);
  stream->handle_ = std::move(handle);
  stream->endpoints_ = info.endpoints();
  HYPRSTREAM_ASSIGN(const bool any, stream->open_next());
  if (!any) return fail(ErrorCode::kCorrupt, "the server has answered a query without saying where its rows are");
  const auto schema = stream->reader_->GetSchema();
  if (!schema.ok()) return std::unexpected(stream->connection_->error(schema.status()));
  HYPRSTREAM_ASSIGN(stream->schema_, export_schema(**schema));
  return stream;
}

Result<std::unique_ptr<ResultStream>> RemoteStream::of_change(std::int64_t rows_changed) {
  std::unique_ptr<RemoteStream> stream(new RemoteStream());
  HYPRSTREAM_ASSIGN(stream->schema_, export_schema(arrow::Schema({})));
  stream->rows_changed_ = rows_changed;
  return stream;
}

RemoteStream::~RemoteStream() { end(); }

Result<bool> RemoteStream::open_next() {
  reader_ = nullptr;
  if (next_endpoint_ == endpoints_.size()) return false;
  auto opened = connection_->sql().DoGet(connection_->call(), endpoints_[next_endpoint_++].ticket);
  if (!opened.ok()) return std::unexpected(connection_->error(opened.status()));
  reader_ = std::move(*opened);
  connection_->set_running(handle_, reader_);
  if (connection_->interrupted()) return std::unexpected(connection_->error({}));  // before there was this to stop
  return true;
}

Result<ArrowArrayHandle> RemoteStream::next() {
  while (reader_ != nullptr) {
    auto chunk = reader_->Next();
    if (!chunk.ok() || connection_->interrupted()) {
      auto error = connection_->error(chunk.status());
      end();
      return std::unexpected(std::move(error));
    }
    if (chunk->data != nullptr && chunk->data->num_rows() > 0) return export_batch(*chunk->data);
    if (chunk->data != nullptr || chunk->app_metadata != nullptr) continue;
    HYPRSTREAM_TRY(open_next());
  }
  return ArrowArrayHandle();
}

void RemoteStream::end() noexcept {
  if (reader_ == nullptr) return;
  connection_->set_running({}, nullptr);
  reader_->Cancel();
  reader_ = nullptr;
}

}  // namespace hyprstream
