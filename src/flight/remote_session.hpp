// Session, statements and streams that live on a Flight SQL server.
#pragma once

#include <arrow/flight/sql/client.h>
#include <arrow/record_batch.h>

#include <memory>
#include <string_view>
#include <vector>

#include "catalog/session.hpp"
#include "flight/remote_connection.hpp"

namespace hyprstream {

// Not thread-safe but for interrupt().
class RemoteSession final : public Session {
 public:
  explicit RemoteSession(std::shared_ptr<RemoteConnection> connection) : connection_(std::move(connection)) {}

  Result<std::unique_ptr<Statement>> prepare(std::string_view sql) override;
  Result<std::unique_ptr<BulkAppender>> append_to(const TableName& table, const ArrowSchema& schema) override;
  Result<void> begin() override { return run("BEGIN TRANSACTION"); }
  Result<void> commit() override { return run("COMMIT"); }
  Result<void> rollback() override { return run("ROLLBACK"); }
  void abort() noexcept override { static_cast<void>(run("SELECT error('a part of the transaction has failed')")); }
  void interrupt() noexcept override { connection_->interrupt(); }

 private:
  Result<void> run(const std::string& sql);

  std::shared_ptr<RemoteConnection> connection_;
};

// Not thread-safe.
class RemoteStatement final : public Statement {
 public:
  static Result<std::unique_ptr<Statement>> prepare(std::shared_ptr<RemoteConnection> connection, std::string_view sql);
  ~RemoteStatement() override;

  StatementKind kind() const noexcept override { return kind_; }
  const ArrowSchema& schema() const noexcept override { return *schema_; }
  const ArrowSchema& parameters() const noexcept override { return *parameters_; }
  Result<void> bind(const ArrowSchema& schema, ArrowArrayHandle rows) override;
  Result<std::unique_ptr<ResultStream>> execute(std::int64_t row) override;

 private:
  explicit RemoteStatement(std::shared_ptr<RemoteConnection> connection) : connection_(std::move(connection)) {}

  Result<std::unique_ptr<ResultStream>> run_query();
  Result<std::unique_ptr<ResultStream>> run_change();

  std::shared_ptr<RemoteConnection> connection_;
  std::shared_ptr<arrow::flight::sql::PreparedStatement> prepared_;
  std::string handle_;  // empty: the server has not said it
  StatementKind kind_ = StatementKind::kQuery;
  ArrowSchemaHandle schema_;
  ArrowSchemaHandle parameters_;
  std::shared_ptr<arrow::RecordBatch> values_;
};

// Not thread-safe.
class RemoteStream final : public ResultStream {
 public:
  // Rows of these endpoints, one after another. Errors: those of Statement::execute().
  static Result<std::unique_ptr<ResultStream>> open(std::shared_ptr<RemoteConnection> connection, std::string handle,
                                                    const arrow::flight::FlightInfo& info);
  // A change's.
  static Result<std::unique_ptr<ResultStream>> of_change(std::int64_t rows_changed);
  ~RemoteStream() override;

  const ArrowSchema& schema() const noexcept override { return *schema_; }
  Result<ArrowArrayHandle> next() override;
  std::int64_t rows_changed() const noexcept override { return rows_changed_; }

 private:
  RemoteStream() = default;

  Result<bool> open_next();
  void end() noexcept;

  std::shared_ptr<RemoteConnection> connection_;
  std::string handle_;
  std::vector<arrow::flight::FlightEndpoint> endpoints_;
  std::size_t next_endpoint_ = 0;
  std::shared_ptr<arrow::flight::FlightStreamReader> reader_;
  ArrowSchemaHandle schema_;
  std::int64_t rows_changed_ = 0;
};

}  // namespace hyprstream
