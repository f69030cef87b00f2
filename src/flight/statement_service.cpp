#include "flight/statement_service.hpp"

#include <arrow/util/byte_size.h>

#include <format>
#include <utility>

#include "flight/arrow_bridge.hpp"
#include "flight/flight_status.hpp"

namespace hyprstream {
namespace {

Result<std::shared_ptr<arrow::RecordBatch>> next_rows(arrow::RecordBatchReader& reader) {
  std::shared_ptr<arrow::RecordBatch> batch;
  HYPRSTREAM_TRY(from_flight(reader.ReadNext(&batch)));
  return batch;
}

// The session's transaction, or one of our own that ends with this. Without a commit our own is rolled back, and the
// session's can only be: a part of the work must not be kept.
class WorkTransaction {
 public:
  explicit WorkTransaction(Session& session) : session_(session), own_(session.begin().has_value()) {}
  WorkTransaction(const WorkTransaction&) = delete;
  WorkTransaction& operator=(const WorkTransaction&) = delete;
  ~WorkTransaction() {
    if (own_)
      static_cast<void>(session_.rollback());
    else if (!done_)
      session_.abort();
  }

  Result<void> commit() {
    done_ = true;
    if (!std::exchange(own_, false)) return {};
    return session_.commit();
  }

 private:
  Session& session_;
  bool own_;
  bool done_ = false;
};

}  // namespace

StatementService::StatementService(SessionSource sessions, const StatementLimits& limits)
    : source_(std::move(sessions)),
      limits_(limits),
      gate_(limits.queries),
      budget_(limits.held_bytes, limits.held_bytes / limits.share_of_key),
      sessions_("session", limits.open_sessions, limits.open_sessions / limits.share_of_key, limits.session_idle),
      transactions_("transaction", limits.open_transactions, limits.open_transactions / limits.share_of_key,
                    limits.transaction_idle),
      statements_("statement", limits.open_statements, limits.open_statements / limits.share_of_key,
                  limits.statement_idle) {}

Result<void> StatementService::require_short(std::string_view sql) const {
  if (sql.size() > limits_.statement_bytes)
    return fail(ErrorCode::kResourceExhausted,
                std::format("the statement has {} bytes, and the server takes {}: give long lists of values as "
                            "parameters, or upload them",
                            sql.size(), limits_.statement_bytes));
  return {};
}

Result<StatementService::Work> StatementService::start_in(const Caller& caller,
                                                          std::shared_ptr<SharedSession> session) {
  HYPRSTREAM_ASSIGN(auto lease, session->lease(caller.call.shared()));
  HYPRSTREAM_ASSIGN(auto turn, gate_.enter(*caller.call));
  caller.call->start_clock();
  return Work{std::move(session), std::move(lease), std::move(turn)};
}

Result<StatementService::Work> StatementService::start_new(const Caller& caller) {
  if (caller.identity.scope == Scope::kPublic)
    return fail(ErrorCode::kPermissionDenied, "SQL needs a key with the scope inference or admin");
  HYPRSTREAM_ASSIGN(auto turn, gate_.enter(*caller.call));  // first: opening a session is work too
  caller.call->start_clock();
  HYPRSTREAM_ASSIGN(auto made, source_(caller.identity.scope));
  auto session = std::make_shared<SharedSession>(std::move(made));
  HYPRSTREAM_ASSIGN(auto lease, session->lease(caller.call.shared()));
  return Work{std::move(session), std::move(lease), std::move(turn)};
}

Result<StatementService::Work> StatementService::start(const Caller& caller, const std::string& transaction) {
  if (transaction.empty() && caller.session.empty()) return start_new(caller);
  HYPRSTREAM_ASSIGN(auto session, transaction.empty() ? sessions_.find(caller.session, caller.owner())
                                                      : transactions_.find(transaction, caller.owner()));
  return start_in(caller, std::move(session));
}

Result<PlannedQuery> StatementService::open(const Caller& caller, std::string_view sql, const std::string& transaction,
                                            bool once) {
  HYPRSTREAM_TRY(require_short(sql));
  HYPRSTREAM_ASSIGN(auto text, budget_.take(caller.owner(), sql.size()));
  HYPRSTREAM_ASSIGN(const auto work, start(caller, transaction));
  auto prepared = work.lease->prepare(sql);
  if (!prepared) return std::unexpected(caller.call->reason(std::move(prepared).error()));
  HYPRSTREAM_ASSIGN(auto opened, OpenStatement::create(work.session, std::move(*prepared)));
  PlannedQuery planned{.handle = {}, .schema = {}, .parameters = opened->parameters(), .kind = opened->kind()};
  HYPRSTREAM_ASSIGN(planned.schema, opened->result_schema());
  auto held = std::make_shared<Held>(std::move(opened), std::move(text), once);
  HYPRSTREAM_ASSIGN(planned.handle, statements_.add(caller.owner(), std::move(held)));
  return planned;
}

Result<PlannedQuery> StatementService::plan(const Caller& caller, std::string_view sql,
                                            const std::string& transaction) {
  return open(caller, sql, transaction, true);
}

Result<PlannedQuery> StatementService::prepare(const Caller& caller, std::string_view sql,
                                               const std::string& transaction) {
  return open(caller, sql, transaction, false);
}

Result<PlannedQuery> StatementService::describe(const Caller& caller, const std::string& handle) {
  HYPRSTREAM_ASSIGN(const auto held, statements_.find(handle, caller.owner()));
  auto& statement = *held->statement;
  HYPRSTREAM_ASSIGN(const auto lease, statement.session().lease(caller.call.shared()));
  HYPRSTREAM_ASSIGN(const auto turn, gate_.enter(*caller.call));
  if (const auto rows = statement.rows(); !rows.empty()) HYPRSTREAM_TRY(statement.bind(*rows.front()));
  HYPRSTREAM_ASSIGN(auto schema, statement.result_schema());
  return PlannedQuery{
      .handle = handle, .schema = std::move(schema), .parameters = statement.parameters(), .kind = statement.kind()};
}

Result<void> StatementService::close(const Caller& caller, const std::string& handle) {
  HYPRSTREAM_ASSIGN(const auto held, statements_.take(handle, caller.owner()));
  held->statement->cancel_for_good();
  return {};
}

Result<std::shared_ptr<arrow::RecordBatchReader>> StatementService::fetch(Caller caller, const std::string& handle) {
  HYPRSTREAM_ASSIGN(const auto held, statements_.find(handle, caller.owner()));
  if (held->once && held->fetched.exchange(true))
    return fail(ErrorCode::kNotFound, "the rows of this query were fetched before: run it again");
  std::function<void()> ended = [] {};
  if (held->once)
    ended = [this, handle, owner = caller.owner()] { static_cast<void>(statements_.take(handle, owner)); };
  if (held->statement->kind() == StatementKind::kQuery) {
    HYPRSTREAM_ASSIGN(auto reader, QueryReader::open(std::move(caller.call), held->statement, gate_, limits_.batch,
                                                     std::move(ended)));
    return reader;
  }
  const auto rows = held->statement->rows();
  std::shared_ptr<arrow::RecordBatchReader> parameters;
  if (!rows.empty()) {
    HYPRSTREAM_ASSIGN(parameters, from_flight(arrow::RecordBatchReader::Make(rows)));
  }
  const auto changed = run_change(caller, *held->statement, parameters.get());
  ended();
  if (!changed) return std::unexpected(changed.error());
  if (held->statement->kind() == StatementKind::kOther)
    return from_flight(arrow::RecordBatchReader::Make({}, arrow::schema({})));
  return from_flight(arrow::RecordBatchReader::Make({change_rows(*changed)}));
}

Result<std::int64_t> StatementService::update(const Caller& caller, std::string_view sql,
                                              const std::string& transaction) {
  HYPRSTREAM_ASSIGN(const auto planned, plan(caller, sql, transaction));
  HYPRSTREAM_ASSIGN(const auto held, statements_.take(planned.handle, caller.owner()));
  return run_change(caller, *held->statement, nullptr);
}

Result<std::int64_t> StatementService::run_change(const Caller& caller, OpenStatement& statement,
                                                  arrow::RecordBatchReader* rows) {
  HYPRSTREAM_TRY(statement.set_running(caller.call.shared()));
  HYPRSTREAM_ASSIGN(const auto lease, statement.session().lease(caller.call.shared()));
  auto changed = rows != nullptr ? run_for_each(caller, statement, *lease, *rows) : run_once(caller, statement);
  if (!changed) return std::unexpected(caller.call->reason(std::move(changed).error()));
  return changed;
}

Result<std::int64_t> StatementService::run_once(const Caller& caller, OpenStatement& statement) {
  HYPRSTREAM_ASSIGN(const auto turn, gate_.enter(*caller.call));
  caller.call->start_clock();
  return statement.run_to_end();
}

Result<std::int64_t> StatementService::run_for_each(const Caller& caller, OpenStatement& statement, Session& session,
                                                    arrow::RecordBatchReader& rows) {
  WorkTransaction transaction(session);
  std::int64_t changed = 0;
  while (true) {
    HYPRSTREAM_ASSIGN(const auto batch, next_rows(rows));
    HYPRSTREAM_TRY(caller.call->require_wanted());
    if (batch == nullptr) break;
    HYPRSTREAM_ASSIGN(const auto turn, gate_.enter_again(*caller.call));
    HYPRSTREAM_TRY(statement.bind(*batch));
    for (std::int64_t row = 0; row < batch->num_rows(); ++row) {
      HYPRSTREAM_TRY(caller.call->require_wanted());
      caller.call->start_clock();
      HYPRSTREAM_ASSIGN(const auto count, statement.run_to_end(row));
      changed += count;
    }
    caller.call->stop_clock();
  }
  HYPRSTREAM_TRY(transaction.commit());
  return changed;
}

Result<void> StatementService::set_parameters(const Caller& caller, const std::string& handle,
                                              arrow::RecordBatchReader& rows) {
  HYPRSTREAM_ASSIGN(const auto held, statements_.find(handle, caller.owner()));
  OpenStatement::Rows batches;
  std::int64_t bytes = 0;
  while (true) {
    HYPRSTREAM_ASSIGN(auto batch, next_rows(rows));
    if (batch == nullptr) break;
    bytes += arrow::util::TotalBufferSize(*batch);
    if (bytes > static_cast<std::int64_t>(limits_.parameter_bytes))
      return fail(ErrorCode::kResourceExhausted,
                  std::format("the parameters of a query may have {} bytes: upload them into a table",
                              limits_.parameter_bytes));
    batches.push_back(std::move(batch));
  }
  HYPRSTREAM_ASSIGN(auto share, budget_.take(caller.owner(), static_cast<std::size_t>(bytes)));
  return held->statement->set_rows(std::move(batches), std::move(share));
}

Result<std::int64_t> StatementService::update_for_each(const Caller& caller, const std::string& handle,
                                                       arrow::RecordBatchReader& rows) {
  HYPRSTREAM_ASSIGN(const auto held, statements_.find(handle, caller.owner()));
  const bool none = held->statement->parameters()->num_fields() == 0;
  return run_change(caller, *held->statement, none ? nullptr : &rows);
}

Result<std::int64_t> StatementService::ingest(const Caller& caller, const IngestTarget& target,
                                              arrow::RecordBatchReader& rows) {
  if (target.temporary && target.transaction.empty() && caller.session.empty())
    return fail(ErrorCode::kInvalidArgument,
                "a temporary table lives as long as its session or transaction: begin one and name it in the upload");
  HYPRSTREAM_ASSIGN(auto work, start(caller, target.transaction));
  WorkTransaction transaction(*work.lease);
  HYPRSTREAM_TRY(prepare_table(*work.lease, target, *rows.schema()));
  HYPRSTREAM_ASSIGN(const auto schema, export_schema(*rows.schema()));
  auto name = target.name;
  if (target.temporary) name.catalog = "temp";
  HYPRSTREAM_ASSIGN(auto appender, work.lease->append_to(name, *schema));
  work.turn.end();  // waiting for rows is not work
  caller.call->stop_clock();
  while (true) {
    HYPRSTREAM_ASSIGN(const auto batch, next_rows(rows));
    HYPRSTREAM_TRY(caller.call->require_wanted());
    if (batch == nullptr) break;
    HYPRSTREAM_ASSIGN(const auto turn, gate_.enter_again(*caller.call));
    HYPRSTREAM_ASSIGN(auto piece, export_batch(*batch));
    HYPRSTREAM_TRY(appender->append(std::move(piece)));
  }
  HYPRSTREAM_ASSIGN(const auto turn, gate_.enter_again(*caller.call));
  HYPRSTREAM_ASSIGN(const auto count, appender->finish());
  appender = nullptr;
  HYPRSTREAM_TRY(transaction.commit());
  return count;
}

Result<std::string> StatementService::open_session(const Caller& caller) {
  HYPRSTREAM_ASSIGN(const auto work, start_new(caller));
  return sessions_.add(caller.owner(), work.session);
}

Result<void> StatementService::close_session(const Caller& caller) {
  HYPRSTREAM_TRY(sessions_.take(caller.session, caller.owner()));
  return {};
}

Result<std::string> StatementService::begin(const Caller& caller) {
  HYPRSTREAM_ASSIGN(const auto work, start_new(caller));
  HYPRSTREAM_TRY(work.lease->begin());
  return transactions_.add(caller.owner(), work.session);
}

Result<void> StatementService::end(const Caller& caller, const std::string& transaction, bool commit) {
  HYPRSTREAM_ASSIGN(const auto session, transactions_.find(transaction, caller.owner()));
  HYPRSTREAM_ASSIGN(const auto lease, session->lease(caller.call.shared()));
  HYPRSTREAM_TRY(transactions_.take(transaction, caller.owner()));
  session->end();
  return commit ? lease->commit() : lease->rollback();
}

Result<bool> StatementService::cancel(const Caller& caller, const std::string& handle) {
  HYPRSTREAM_ASSIGN(const auto held, statements_.find(handle, caller.owner()));
  if (!held->once) return held->statement->cancel();
  const bool ran = held->statement->cancel_for_good();
  if (!ran) static_cast<void>(statements_.take(handle, caller.owner()));
  return ran;
}

void StatementService::expire(std::chrono::steady_clock::time_point now) {
  static_cast<void>(statements_.expire(now, [](const Held& held) { return held.statement->running(); }));
  const auto busy = [](const SharedSession& held) { return held.busy(); };
  for (auto* table : {&sessions_, &transactions_})
    for (const auto& session : table->expire(now, busy)) session->abandon();
}

}  // namespace hyprstream
