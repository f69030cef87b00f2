// What a remote session, its statements and its streams share.
#pragma once

#include <arrow/flight/client.h>
#include <arrow/flight/sql/client.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "base/error.hpp"
#include "flight/flight_client.hpp"

namespace hyprstream {

// Not thread-safe but for interrupt().
class RemoteConnection {
 public:
  // Errors: those of connect_flight().
  static Result<std::shared_ptr<RemoteConnection>> open(const FlightClientOptions& options);
  ~RemoteConnection();
  RemoteConnection(const RemoteConnection&) = delete;
  RemoteConnection& operator=(const RemoteConnection&) = delete;

  arrow::flight::sql::FlightSqlClient& sql() noexcept { return sql_; }
  const arrow::flight::FlightCallOptions& call() const noexcept { return call_; }

  // What interrupt() stops from now on: the execution of this statement there, and this stream of it. Null and empty:
  // nothing. A new beginning forgets an interrupt that came before.
  void set_running(std::string handle, std::shared_ptr<arrow::flight::FlightStreamReader> stream);
  void begin_execution() noexcept { interrupted_ = false; }
  void interrupt() noexcept;
  bool interrupted() const noexcept { return interrupted_; }
  // What went wrong; after an interrupt, kCancelled whatever it was.
  Error error(const arrow::Status& status) const;

 private:
  RemoteConnection(std::shared_ptr<arrow::flight::FlightClient> client, arrow::flight::FlightCallOptions call)
      : client_(std::move(client)), sql_(client_), call_(std::move(call)) {}

  Result<void> open_session(const FlightClientOptions& options);

  const std::shared_ptr<arrow::flight::FlightClient> client_;
  arrow::flight::sql::FlightSqlClient sql_;
  const arrow::flight::FlightCallOptions call_;
  bool has_session_ = false;
  std::atomic<bool> interrupted_ = false;
  std::mutex mutex_;
  std::string running_;                                        // under mutex_
  std::shared_ptr<arrow::flight::FlightStreamReader> stream_;  // under mutex_
};

}  // namespace hyprstream
