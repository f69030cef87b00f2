// Statements, transactions and uploads of Flight SQL's clients, below the protocol: what its handlers do, without gRPC.
#pragma once

#include <arrow/record_batch.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "access/identity.hpp"
#include "catalog/session.hpp"
#include "flight/byte_budget.hpp"
#include "flight/handle_table.hpp"
#include "flight/ingest.hpp"
#include "flight/open_statement.hpp"
#include "flight/query_gate.hpp"
#include "flight/query_reader.hpp"
#include "flight/session_source.hpp"
#include "flight/shared_session.hpp"
#include "flight/statement_limits.hpp"

namespace hyprstream {

// Who calls, and the call.
struct Caller {
  Identity identity;
  std::string session;  // the one that its statements run in; empty: each in its own
  WatchedCall call;

  // Whom handles belong to: the key as it is now, not whichever has its name or once had its scope.
  std::string owner() const { return identity.key_id + " " + identity.fingerprint; }
};

struct PlannedQuery {
  std::string handle;
  std::shared_ptr<arrow::Schema> schema;      // of the result
  std::shared_ptr<arrow::Schema> parameters;  // a field for each
  StatementKind kind = StatementKind::kQuery;
};

// A transaction's id is empty where a statement stands for itself, and the caller's session where it has none. Handles
// and transactions are known to the key alone that they were given to. Thread-safe.
class StatementService {
 public:
  StatementService(SessionSource sessions, const StatementLimits& limits);

  // A statement to be fetched once. Errors: as Session::prepare(), kUnavailable (busy), kNotFound (no such
  // transaction), kResourceExhausted (too long).
  Result<PlannedQuery> plan(const Caller& caller, std::string_view sql, const std::string& transaction);
  // One that is kept until it is closed.
  Result<PlannedQuery> prepare(const Caller& caller, std::string_view sql, const std::string& transaction);
  // What a prepared statement gives now that its parameters are set.
  Result<PlannedQuery> describe(const Caller& caller, const std::string& handle);
  Result<void> close(const Caller& caller, const std::string& handle);

  // The rows of a planned or prepared statement; a change is done when this returns, and its result is the number of
  // rows. Errors: as Statement::execute(), kNotFound (no such statement).
  Result<std::shared_ptr<arrow::RecordBatchReader>> fetch(Caller caller, const std::string& handle);
  Result<std::int64_t> update(const Caller& caller, std::string_view sql, const std::string& transaction);

  // Values for the next fetch. Errors: kInvalidArgument, kResourceExhausted (too many).
  Result<void> set_parameters(const Caller& caller, const std::string& handle, arrow::RecordBatchReader& rows);
  // Runs a prepared change for each row that comes, all or none of them.
  Result<std::int64_t> update_for_each(const Caller& caller, const std::string& handle, arrow::RecordBatchReader& rows);
  // All rows, or none if it fails.
  Result<std::int64_t> ingest(const Caller& caller, const IngestTarget& target, arrow::RecordBatchReader& rows);

  // A session that the caller's next statements may name; it has its temporary tables, settings and current schema.
  Result<std::string> open_session(const Caller& caller);
  Result<void> close_session(const Caller& caller);

  Result<std::string> begin(const Caller& caller);
  Result<void> end(const Caller& caller, const std::string& transaction, bool commit);

  // Whether it ran; what had not begun will not. Errors: kNotFound.
  Result<bool> cancel(const Caller& caller, const std::string& handle);

  // Runs `task` with the caller's session, or one of its own, when it is its turn.
  template <typename Task>
  auto with_session(const Caller& caller, Task&& task) -> decltype(task(std::declval<Session&>())) {
    HYPRSTREAM_ASSIGN(const auto work, start(caller, {}));
    return task(*work.lease);
  }

  void expire(std::chrono::steady_clock::time_point now);
  const StatementLimits& limits() const noexcept { return limits_; }

 private:
  struct Held {
    std::shared_ptr<OpenStatement> statement;
    ByteBudget::Share text;
    bool once = false;  // forgotten when it was fetched
    std::atomic<bool> fetched = false;
  };

  // A session that works for a call.
  struct Work {
    std::shared_ptr<SharedSession> session;
    SharedSession::Lease lease;
    QueryGate::Turn turn;
  };

  // In the transaction, the caller's session, or one of its own.
  Result<Work> start_in(const Caller& caller, std::shared_ptr<SharedSession> session);
  Result<Work> start_new(const Caller& caller);
  Result<Work> start(const Caller& caller, const std::string& transaction);
  Result<PlannedQuery> open(const Caller& caller, std::string_view sql, const std::string& transaction, bool once);
  // `rows`: values for its parameters, a run for each row; null: it has none.
  Result<std::int64_t> run_change(const Caller& caller, OpenStatement& statement, arrow::RecordBatchReader* rows);
  Result<std::int64_t> run_once(const Caller& caller, OpenStatement& statement);
  Result<std::int64_t> run_for_each(const Caller& caller, OpenStatement& statement, Session& session,
                                    arrow::RecordBatchReader& rows);
  Result<void> require_short(std::string_view sql) const;

  const SessionSource source_;
  const StatementLimits limits_;
  QueryGate gate_;
  ByteBudget budget_;
  HandleTable<SharedSession> sessions_;
  HandleTable<SharedSession> transactions_;
  HandleTable<Held> statements_;
};

}  // namespace hyprstream
