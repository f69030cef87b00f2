// What a session, its statements and its streams share. For the files of this folder only.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

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

enum class TransactionStep : std::uint8_t { kBegin, kCommit, kRollback };

// A row that a function could not make, as sql_errors shows it.
struct RowError {
  std::chrono::system_clock::time_point time;
  std::string function;
  std::string message;
  std::string input;  // the beginning of it
};

// The connections of a database by DuckDB's number, for functions that run in one of them. Thread-safe.
class ConnectionRegistry {
 public:
  void add(idx_t id, std::weak_ptr<Connection> connection);
  void remove(idx_t id);
  std::shared_ptr<Connection> find(idx_t id) const;

 private:
  mutable std::mutex mutex_;
  std::map<idx_t, std::weak_ptr<Connection>> connections_;
};

idx_t connection_id(duckdb_client_context context);  // takes the handle

// One of DuckDB's connections. Not thread-safe but for interrupt() and what a function running in it asks for.
class Connection {
 public:
  // `database` is kept open.
  static Result<std::shared_ptr<Connection>> create(std::shared_ptr<const Database> database, duckdb_database handle,
                                                    std::shared_ptr<ConnectionRegistry> registry,
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
  // Before DuckDB prepares a statement: ends the result before, forgets an interrupt, starts the clock. Outside a
  // transaction it opens one that end_preparing() undoes: the arguments of a table function are computed then, and
  // DuckDB would close the whole database at the commit of what they have written.
  Result<void> begin_preparing();
  void end_preparing() noexcept;
  // Before each execution: ends the one before, forgets an interrupt, starts the clock; where only reading is allowed,
  // opens a transaction that cannot write (a SELECT may hold an INSERT).
  Result<void> begin_execution(ActiveResult* result);
  // After it: closes that transaction.
  void end_execution(ActiveResult* result) noexcept;

  Result<void> begin();
  Result<void> commit();
  Result<void> rollback();
  // The open transaction, if there is one, can only be rolled back from now on.
  void abort() noexcept;

  // Before a COMMIT: rolls the transaction back if it was aborted, which DuckDB would do too, and call it done.
  // Errors: kInvalidArgument (it was).
  Result<void> require_sound();
  // Tells of a statement in SQL that begins or ends a transaction, and whether it went well.
  void note_transaction(TransactionStep step, bool done) noexcept;
  bool in_transaction() const noexcept { return in_transaction_; }

  void interrupt() noexcept;
  const std::atomic<bool>& cancelled() const noexcept { return cancelled_; }
  CallLimits call_limits() const noexcept;

  // The newest, oldest first. Thread-safe.
  void add_error(RowError error);
  std::vector<RowError> errors() const;

 private:
  Connection(std::shared_ptr<const Database> database, const DatabaseOptions& options, const SessionOptions& session);

  void restart_clock() noexcept;
  void enter_transaction() noexcept;

  std::shared_ptr<const Database> database_;
  std::shared_ptr<ConnectionRegistry> registry_;
  std::optional<idx_t> id_;
  DuckConnection handle_;
  DuckArrowOptions arrow_;
  SqlPermission permission_;
  bool locked_down_;
  std::chrono::milliseconds timeout_;
  std::atomic<bool> cancelled_ = false;
  std::atomic<std::chrono::steady_clock::time_point> started_{};
  mutable std::mutex errors_mutex_;
  std::deque<RowError> errors_;
  ActiveResult* active_ = nullptr;
  bool in_transaction_ = false;
  bool aborted_ = false;                // by abort()
  bool preparing_transaction_ = false;  // of begin_preparing()
  bool read_transaction_ = false;       // of begin_execution()
};

// While it lives, DuckDB prepares a statement on this thread, and functions of the model refuse to run: what they are
// asked for then is constant and could be computed now, but the statement may never be executed. (DuckDB takes the
// refusal as "not constant" where it can.) Not thread-safe.
class PreparingScope {
 public:
  PreparingScope() noexcept;
  ~PreparingScope();
  PreparingScope(const PreparingScope&) = delete;
  PreparingScope& operator=(const PreparingScope&) = delete;

  // Whether a function has asked.
  bool was_refused() const noexcept { return refused_; }
  // For functions: whether they must not run now.
  static bool refuse() noexcept;

 private:
  bool refused_ = false;
};

}  // namespace hyprstream
