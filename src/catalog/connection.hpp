// What a session, its statements and its streams share. For the files of this folder only.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/error.hpp"
#include "catalog/database.hpp"
#include "catalog/duckdb_handles.hpp"

namespace hyprstream {

// Whoever reads a result: a connection has one at a time.
class ActiveResult {
 public:
  // Gives the result back to DuckDB; reading on is an error.
  virtual void close() noexcept = 0;

 protected:
  ~ActiveResult() = default;
};

enum class TransactionStep : std::uint8_t { kBegin, kEnd };

// One of DuckDB's connections. Not thread-safe but for interrupt() and what a function running in it asks for.
class Connection {
 public:
  // `database` is kept open.
  static Result<std::shared_ptr<Connection>> create(std::shared_ptr<const Database> database, duckdb_database handle,
                                                    const DatabaseOptions& options, const SessionOptions& session);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  duckdb_connection handle() const noexcept { return handle_.get(); }
  duckdb_arrow_options arrow_options() const noexcept { return arrow_.get(); }

  // Whether statements of this type may be prepared at all. Errors: kPermissionDenied.
  Result<void> check_allowed(duckdb_statement_type type) const;

  // A statement of ours, without a result.
  Result<void> run(const char* sql);

  // Ends the result that is being read: DuckDB prepares and runs nothing beside one.
  void close_active() noexcept;
  // Before each execution: ends the one before, forgets an interrupt, starts the clock; where only reading is allowed,
  // opens a transaction that cannot write (a SELECT may hold an INSERT).
  Result<void> begin_execution(ActiveResult* result);
  // After it: closes that transaction.
  void end_execution(ActiveResult* result) noexcept;

  Result<void> begin();
  Result<void> commit();
  Result<void> rollback();

  // Tells of a transaction that a statement in SQL has begun or ended.
  void note_transaction(TransactionStep step) noexcept;
  bool in_transaction() const noexcept { return in_transaction_; }

  void interrupt() noexcept;
  const std::atomic<bool>& cancelled() const noexcept { return cancelled_; }
  // When what runs now must have ended.
  std::optional<std::chrono::steady_clock::time_point> deadline() const noexcept;

 private:
  Connection(std::shared_ptr<const Database> database, const DatabaseOptions& options, const SessionOptions& session);

  std::shared_ptr<const Database> database_;
  DuckConnection handle_;
  DuckArrowOptions arrow_;
  SqlPermission permission_;
  bool locked_down_;
  std::chrono::milliseconds timeout_;
  std::atomic<bool> cancelled_ = false;
  std::atomic<std::chrono::steady_clock::time_point> started_{};
  ActiveResult* active_ = nullptr;
  bool in_transaction_ = false;
  bool read_transaction_ = false;  // of begin_execution()
};

}  // namespace hyprstream
