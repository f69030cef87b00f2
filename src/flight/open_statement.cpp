#include "flight/open_statement.hpp"

#include <arrow/array/builder_primitive.h>

#include <format>
#include <utility>

#include "flight/arrow_bridge.hpp"
#include "flight/fit_rows.hpp"

namespace hyprstream {

Result<std::shared_ptr<OpenStatement>> OpenStatement::create(std::shared_ptr<SharedSession> session,
                                                             std::unique_ptr<Statement> statement) {
  std::shared_ptr<OpenStatement> open(new OpenStatement(std::move(session), std::move(statement)));
  HYPRSTREAM_ASSIGN(open->parameters_, import_schema(open->statement_->parameters()));
  return open;
}

Result<std::shared_ptr<arrow::Schema>> OpenStatement::result_schema() const {
  switch (statement_->kind()) {
    case StatementKind::kQuery: return import_schema(statement_->schema());
    case StatementKind::kChange: return change_schema();
    case StatementKind::kOther: break;
  }
  return arrow::schema({});
}

Result<void> OpenStatement::bind(const arrow::RecordBatch& rows) {
  HYPRSTREAM_ASSIGN(const auto plain, without_dictionaries(rows));
  HYPRSTREAM_ASSIGN(const auto schema, export_schema(*plain->schema()));
  HYPRSTREAM_ASSIGN(auto array, export_batch(*plain));
  return statement_->bind(*schema, std::move(array));
}

Result<std::int64_t> OpenStatement::run_to_end(std::int64_t row) {
  HYPRSTREAM_ASSIGN(const auto stream, statement_->execute(row));
  while (true) {
    HYPRSTREAM_ASSIGN(const auto rows, stream->next());
    if (!rows) return stream->rows_changed();
  }
}

Result<void> OpenStatement::set_rows(Rows rows, ByteBudget::Share share) {
  for (const auto& batch : rows)
    if (batch->num_columns() != parameters_->num_fields())
      return fail(ErrorCode::kInvalidArgument,
                  std::format("the statement has {} parameters, and {} values came for a row",
                              parameters_->num_fields(), batch->num_columns()));
  const std::scoped_lock lock(mutex_);
  rows_ = std::move(rows);
  rows_share_ = std::move(share);
  return {};
}

OpenStatement::Rows OpenStatement::rows() const {
  const std::scoped_lock lock(mutex_);
  return rows_;
}

Result<void> OpenStatement::set_running(const std::shared_ptr<ActiveCall>& call) {
  const std::scoped_lock lock(mutex_);
  if (cancelled_) return fail(ErrorCode::kCancelled, "the query was cancelled");
  running_ = call;
  return {};
}

bool OpenStatement::running() const {
  const std::scoped_lock lock(mutex_);
  return !running_.expired();
}

bool OpenStatement::cancel() {
  const std::scoped_lock lock(mutex_);
  const auto call = running_.lock();
  if (call != nullptr) call->cancel();
  return call != nullptr;
}

bool OpenStatement::cancel_for_good() {
  {
    const std::scoped_lock lock(mutex_);
    cancelled_ = true;
  }
  return cancel();
}

std::shared_ptr<arrow::Schema> change_schema() { return arrow::schema({arrow::field("Count", arrow::int64())}); }

std::shared_ptr<arrow::RecordBatch> change_rows(std::int64_t rows_changed) {
  const std::vector<std::int64_t> count{rows_changed};
  const auto column = std::make_shared<arrow::Int64Array>(1, arrow::Buffer::FromVector(count));
  return arrow::RecordBatch::Make(change_schema(), 1, {column});
}

}  // namespace hyprstream
