// A statement of this process's database.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "catalog/connection.hpp"
#include "catalog/local_stream.hpp"
#include "catalog/session.hpp"

namespace hyprstream {

// Not thread-safe.
class LocalStatement final : public Statement {
 public:
  static Result<std::unique_ptr<Statement>> prepare(std::shared_ptr<Connection> connection, std::string_view sql);

  StatementKind kind() const noexcept override { return kind_; }
  const ArrowSchema& schema() const noexcept override { return *schema_; }
  const ArrowSchema& parameters() const noexcept override { return *parameters_; }
  Result<void> bind(const ArrowSchema& schema, ArrowArrayHandle rows) override;
  Result<std::unique_ptr<ResultStream>> execute(std::int64_t row) override;

 private:
  explicit LocalStatement(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {}

  Result<void> describe();
  Result<void> bind_row(std::int64_t row);

  std::shared_ptr<Connection> connection_;
  std::shared_ptr<const std::string> sql_;
  SharedPrepared prepared_;
  duckdb_statement_type type_ = DUCKDB_STATEMENT_TYPE_INVALID;
  StatementKind kind_ = StatementKind::kOther;
  ArrowSchemaHandle schema_;
  ArrowSchemaHandle parameters_;
  DuckChunk values_;
};

}  // namespace hyprstream
