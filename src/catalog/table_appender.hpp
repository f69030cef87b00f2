// Many rows into a table of this process's database.
#pragma once

#include <memory>

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

  std::shared_ptr<Connection> connection_;
  bool own_transaction_ = false;
  DuckAppender appender_;
  DuckArrowTypes types_;
  std::int64_t rows_ = 0;
};

}  // namespace hyprstream
