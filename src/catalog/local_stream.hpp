// The rows of a statement that runs in this process.
#pragma once

#include <memory>
#include <string>

#include "catalog/connection.hpp"
#include "catalog/session.hpp"

namespace hyprstream {

using SharedPrepared = std::shared_ptr<const DuckPrepared>;

// Not thread-safe.
class LocalStream final : public ResultStream, public ActiveResult {
 public:
  // Executes the statement, whose parameters are bound. `sql`: for messages.
  static Result<std::unique_ptr<ResultStream>> execute(std::shared_ptr<Connection> connection, SharedPrepared statement,
                                                       std::shared_ptr<const std::string> sql, bool query);
  ~LocalStream();

  const ArrowSchema& schema() const noexcept override { return *schema_; }
  Result<ArrowArrayHandle> next() override;
  std::int64_t rows_changed() const noexcept override { return rows_changed_; }
  void close() noexcept override;

 private:
  LocalStream(std::shared_ptr<Connection> connection, SharedPrepared statement, std::shared_ptr<const std::string> sql);

  Error error() const;

  std::shared_ptr<Connection> connection_;
  SharedPrepared statement_;
  std::shared_ptr<const std::string> sql_;
  std::unique_ptr<DuckResult> result_;  // none: there is nothing more
  ArrowSchemaHandle schema_;
  std::int64_t rows_changed_ = 0;
  bool superseded_ = false;
};

}  // namespace hyprstream
