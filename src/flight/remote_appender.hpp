// Rows into a table of a Flight SQL server.
#pragma once

#include <arrow/record_batch.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "catalog/session.hpp"
#include "flight/remote_connection.hpp"

namespace hyprstream {

// Flight's client asks for rows, and whoever appends has them: they meet at a reader that waits for either, and the
// upload runs on a thread of its own. Not thread-safe.
class RemoteAppender final : public BulkAppender {
 public:
  static Result<std::unique_ptr<BulkAppender>> open(std::shared_ptr<RemoteConnection> connection,
                                                    const TableName& table, const ArrowSchema& schema);
  ~RemoteAppender() override;

  Result<void> append(ArrowArrayHandle rows) override;
  Result<std::int64_t> finish() override;

 private:
  class Exchange;

  RemoteAppender(std::shared_ptr<RemoteConnection> connection, std::shared_ptr<Exchange> exchange)
      : connection_(std::move(connection)), exchange_(std::move(exchange)) {}

  void upload(const TableName& table);

  std::shared_ptr<RemoteConnection> connection_;
  std::shared_ptr<Exchange> exchange_;
  std::thread thread_;
  std::optional<arrow::Result<std::int64_t>> answer_;  // when the thread has ended
};

}  // namespace hyprstream
