// A session of this process's database.
#pragma once

#include <memory>

#include "catalog/connection.hpp"
#include "catalog/session.hpp"

namespace hyprstream {

// Not thread-safe but for interrupt().
class LocalSession final : public Session {
 public:
  explicit LocalSession(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {}

  Result<std::unique_ptr<Statement>> prepare(std::string_view sql) override;
  Result<std::unique_ptr<BulkAppender>> append_to(const TableName& table, const ArrowSchema& schema) override;
  Result<void> begin() override { return connection_->begin(); }
  Result<void> commit() override { return connection_->commit(); }
  Result<void> rollback() override { return connection_->rollback(); }
  void abort() noexcept override { connection_->abort(); }
  void interrupt() noexcept override { connection_->interrupt(); }

 private:
  std::shared_ptr<Connection> connection_;
};

}  // namespace hyprstream
