// The rows of a statement as Arrow's record batches, made while they are read.
#pragma once

#include <arrow/record_batch.h>

#include <functional>
#include <memory>
#include <optional>

#include "flight/open_statement.hpp"
#include "flight/query_gate.hpp"
#include "flight/statement_limits.hpp"

namespace hyprstream {

// The rows of all the executions that the statement's parameters ask for, one after another. Small pieces from the
// database become batches that are worth a message, unless they are slow to come. Not thread-safe.
class QueryReader final : public arrow::RecordBatchReader {
 public:
  // Runs the statement for its first row of parameters. `ended`: called once, when the last row was read, or with the
  // reader. Errors: as Statement::execute().
  static Result<std::shared_ptr<QueryReader>> open(
      WatchedCall call, std::shared_ptr<OpenStatement> statement, QueryGate& gate, BatchSize size,
      std::function<void()> ended = [] {});
  ~QueryReader() override;

  std::shared_ptr<arrow::Schema> schema() const override { return schema_; }
  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* batch) override;
  arrow::Status Close() override;

 private:
  QueryReader(WatchedCall call, std::shared_ptr<OpenStatement> statement, QueryGate& gate, BatchSize size,
              std::function<void()> ended)
      : call_(std::move(call)), statement_(std::move(statement)), gate_(gate), size_(size), ended_(std::move(ended)) {}

  Result<void> start();
  Result<void> execute(std::int64_t row);
  // Goes on to the next row of parameters; false: there is none.
  Result<bool> next_execution();
  Result<std::shared_ptr<arrow::RecordBatch>> next_piece();
  Result<std::shared_ptr<arrow::RecordBatch>> next_batch();
  void end() noexcept;

  // In this order: what is below is done with before what is above.
  WatchedCall call_;
  const std::shared_ptr<OpenStatement> statement_;
  QueryGate& gate_;
  const BatchSize size_;
  std::function<void()> ended_;
  std::optional<SharedSession::Lease> lease_;
  std::unique_ptr<ResultStream> stream_;
  std::shared_ptr<arrow::Schema> schema_;         // of the first execution, and of all batches
  std::shared_ptr<arrow::Schema> stream_schema_;  // of this one: the values of parameters may give it other types
  OpenStatement::Rows parameters_;
  std::size_t parameter_batch_ = 0;           // of those in parameters_
  std::int64_t parameter_row_ = 0;            // the next one of it
  std::shared_ptr<arrow::RecordBatch> rest_;  // of a piece that was too large for one batch
  std::int64_t rest_fit_ = 0;                 // as many rows of it make a batch
};

}  // namespace hyprstream
