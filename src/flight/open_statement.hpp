// A statement that a client holds a handle of.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <memory>
#include <mutex>
#include <vector>

#include "catalog/session.hpp"
#include "flight/active_call.hpp"
#include "flight/byte_budget.hpp"
#include "flight/shared_session.hpp"

namespace hyprstream {

// Thread-safe, but for what needs the session's lease.
class OpenStatement {
 public:
  using Rows = std::vector<std::shared_ptr<arrow::RecordBatch>>;

  // Errors: kInternal (the statement's schemas cannot be read).
  static Result<std::shared_ptr<OpenStatement>> create(std::shared_ptr<SharedSession> session,
                                                       std::unique_ptr<Statement> statement);

  SharedSession& session() const noexcept { return *session_; }
  StatementKind kind() const noexcept { return statement_->kind(); }
  // For whoever has the session's lease, as all of these three. Errors: those of Statement.
  Result<void> bind(const arrow::RecordBatch& rows);
  Result<std::unique_ptr<ResultStream>> execute(std::int64_t row = 0) { return statement_->execute(row); }
  // Returns the number of rows that were changed.
  Result<std::int64_t> run_to_end(std::int64_t row = 0);
  // Of the result: for a change one column, Count; for what gives nothing no columns.
  // Errors: as create(). For whoever has the session's lease.
  Result<std::shared_ptr<arrow::Schema>> result_schema() const;
  const std::shared_ptr<arrow::Schema>& parameters() const noexcept { return parameters_; }

  // Values for the next execution, a run for each row; `share`: their memory. Errors: kInvalidArgument (not as many
  // columns as parameters).
  Result<void> set_rows(Rows rows, ByteBudget::Share share = {});
  Rows rows() const;

  // The call that runs it now. Errors: kCancelled (it was cancelled before it ran).
  Result<void> set_running(const std::shared_ptr<ActiveCall>& call);
  bool running() const;
  // Ends what runs; whether something ran.
  bool cancel();
  // The same, and nothing runs any more.
  bool cancel_for_good();

 private:
  OpenStatement(std::shared_ptr<SharedSession> session, std::unique_ptr<Statement> statement) noexcept
      : session_(std::move(session)), statement_(std::move(statement)) {}

  const std::shared_ptr<SharedSession> session_;
  const std::unique_ptr<Statement> statement_;
  std::shared_ptr<arrow::Schema> parameters_;
  mutable std::mutex mutex_;
  Rows rows_;                          // under mutex_
  ByteBudget::Share rows_share_;       // under mutex_
  std::weak_ptr<ActiveCall> running_;  // under mutex_
  bool cancelled_ = false;             // under mutex_
};

// The one column of a change's result, and its one row.
std::shared_ptr<arrow::Schema> change_schema();
std::shared_ptr<arrow::RecordBatch> change_rows(std::int64_t rows_changed);

}  // namespace hyprstream
