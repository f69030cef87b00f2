// Many rows into a table of this process's database.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "catalog/connection.hpp"
#include "catalog/session.hpp"

namespace hyprstream {

// Not thread-safe.
class TableAppender final : public BulkAppender {
 public:
  static Result<std::unique_ptr<BulkAppender>> create(std::shared_ptr<Connection> connection, const TableName& table,
                                                      const ArrowSchema& schema);
  ~TableAppender();

  Result<void> append(ArrowArrayHandle rows) override;
  Result<std::int64_t> finish() override;

 private:
  explicit TableAppender(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {}

  Error error() const;
  bool converts(duckdb_data_chunk chunk) const;
  Result<void> append_part(duckdb_data_chunk chunk, idx_t begin, idx_t count);
  // Why rows of other types than the table's were refused: finds the value.
  Error conversion_error(duckdb_data_chunk chunk, idx_t begin, idx_t count);

  std::shared_ptr<Connection> connection_;
  bool own_transaction_ = false;
  bool finished_ = false;
  bool readable_values_ = true;  // value_at() may be asked for them
  DuckAppender appender_;
  DuckArrowTypes types_;
  std::vector<std::string> columns_;
  std::int64_t rows_ = 0;
};

}  // namespace hyprstream
