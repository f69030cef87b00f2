#include "catalog/connection.hpp"

#include <string>
#include <utility>

#include "catalog/duckdb_error.hpp"

namespace hyprstream {
namespace {

constexpr std::size_t kMostErrors = 1000;  // kept of one connection

thread_local PreparingScope* preparing = nullptr;

}  // namespace

PreparingScope::PreparingScope() noexcept { preparing = this; }
PreparingScope::~PreparingScope() { preparing = nullptr; }

bool PreparingScope::refuse() noexcept {
  if (preparing != nullptr) preparing->refused_ = true;
  return preparing != nullptr;
}

void ConnectionRegistry::add(idx_t id, std::weak_ptr<Connection> connection) {
  const std::scoped_lock lock(mutex_);
  connections_[id] = std::move(connection);
}

void ConnectionRegistry::remove(idx_t id) {
  const std::scoped_lock lock(mutex_);
  connections_.erase(id);
}

std::shared_ptr<Connection> ConnectionRegistry::find(idx_t id) const {
  const std::scoped_lock lock(mutex_);
  const auto found = connections_.find(id);
  return found == connections_.end() ? nullptr : found->second.lock();
}

idx_t connection_id(duckdb_client_context context) {
  const DuckContext owned(context);
  return duckdb_client_context_get_connection_id(context);
}

Connection::Connection(std::shared_ptr<const Database> database, const DatabaseOptions& options,
                       const SessionOptions& session)
    : database_(std::move(database)),
      permission_(session.permission),
      locked_down_(options.locked_down),
      timeout_(options.statement_timeout) {}

Result<std::shared_ptr<Connection>> Connection::create(std::shared_ptr<const Database> database, duckdb_database handle,
                                                       std::shared_ptr<ConnectionRegistry> registry,
                                                       const DatabaseOptions& options, const SessionOptions& session) {
  std::shared_ptr<Connection> connection(new Connection(std::move(database), options, session));
  if (duckdb_connect(handle, connection->handle_.out()) != DuckDBSuccess)
    return fail(ErrorCode::kInternal, "the database refuses a connection");
  duckdb_client_context context = nullptr;
  duckdb_connection_get_client_context(connection->handle(), &context);
  connection->id_ = connection_id(context);
  connection->registry_ = std::move(registry);
  connection->registry_->add(*connection->id_, connection);
  if (session.exact_types) HYPRSTREAM_TRY(connection->run("SET arrow_lossless_conversion = true"));
  duckdb_connection_get_arrow_options(connection->handle(), connection->arrow_.out());
  return connection;
}

Connection::~Connection() {
  if (id_) registry_->remove(*id_);
}

Result<void> Connection::check_allowed(duckdb_statement_type type) const {
  switch (type) {
    case DUCKDB_STATEMENT_TYPE_SELECT:
    case DUCKDB_STATEMENT_TYPE_EXPLAIN:
    case DUCKDB_STATEMENT_TYPE_RELATION:
    case DUCKDB_STATEMENT_TYPE_MULTI: return {};
    case DUCKDB_STATEMENT_TYPE_ATTACH:
    case DUCKDB_STATEMENT_TYPE_DETACH:
    case DUCKDB_STATEMENT_TYPE_COPY_DATABASE:
      if (locked_down_)
        return fail(ErrorCode::kPermissionDenied,
                    "the server's database cannot be connected with others: "
                    "ATTACH, DETACH and COPY FROM DATABASE are refused");
      break;
    case DUCKDB_STATEMENT_TYPE_LOAD:
    case DUCKDB_STATEMENT_TYPE_EXTENSION:
    case DUCKDB_STATEMENT_TYPE_UPDATE_EXTENSIONS:
      if (locked_down_) return fail(ErrorCode::kPermissionDenied, "extensions cannot be loaded into a server");
      break;
    case DUCKDB_STATEMENT_TYPE_EXPORT:
      if (locked_down_)
        return fail(ErrorCode::kPermissionDenied,
                    "a server's database cannot be exported: stop the server, then "
                    "run EXPORT DATABASE in 'hyprstream sql'");
      break;
    default: break;
  }
  if (permission_ == SqlPermission::kRead)
    return fail(ErrorCode::kPermissionDenied, "this session may only read: use SELECT, or a key with the scope admin");
  return {};
}

Result<void> Connection::run(const char* sql) {
  DuckResult result;
  if (duckdb_query(handle(), sql, result.get()) == DuckDBSuccess) return {};
  return std::unexpected(translate_duckdb_error(duckdb_result_error(result.get()), sql));
}

void Connection::close_active() noexcept {
  if (active_ != nullptr) active_->close();
}

void Connection::restart_clock() noexcept {
  close_active();
  cancelled_ = false;
  started_ = std::chrono::steady_clock::now();
}

Result<void> Connection::begin_preparing() {
  restart_clock();
  if (in_transaction_) return {};
  HYPRSTREAM_TRY(run(permission_ == SqlPermission::kRead ? "BEGIN TRANSACTION READ ONLY" : "BEGIN TRANSACTION"));
  preparing_transaction_ = true;
  return {};
}

void Connection::end_preparing() noexcept {
  if (std::exchange(preparing_transaction_, false)) static_cast<void>(run("ROLLBACK"));
}

Result<void> Connection::begin_execution(ActiveResult* result) {
  restart_clock();
  active_ = result;
  if (permission_ == SqlPermission::kRead && !in_transaction_) {
    HYPRSTREAM_TRY(run("BEGIN TRANSACTION READ ONLY"));
    read_transaction_ = true;
    // DuckDB lets a transaction force a checkpoint, which ends all others, unless it has looked for a name before.
    HYPRSTREAM_TRY(run("SELECT abs(1)"));
  }
  return {};
}

void Connection::end_execution(ActiveResult* result) noexcept {
  if (active_ != result) return;
  active_ = nullptr;
  // Nothing was written, so there is nothing that could fail to be kept.
  if (std::exchange(read_transaction_, false)) static_cast<void>(run("ROLLBACK"));
}

Result<void> Connection::begin() {
  // DuckDB would refuse it too, and the transaction that is open would be lost.
  if (in_transaction_) return fail(ErrorCode::kInvalidArgument, "a transaction is open already");
  close_active();
  HYPRSTREAM_TRY(run(permission_ == SqlPermission::kRead ? "BEGIN TRANSACTION READ ONLY" : "BEGIN TRANSACTION"));
  enter_transaction();
  return {};
}

Result<void> Connection::commit() {
  HYPRSTREAM_TRY(require_sound());
  in_transaction_ = false;
  // A reader has nothing to keep, and DuckDB does not survive the commit of what it may have written while it prepared.
  return run(permission_ == SqlPermission::kRead ? "ROLLBACK" : "COMMIT");
}

Result<void> Connection::rollback() {
  close_active();
  in_transaction_ = false;
  aborted_ = false;
  return run("ROLLBACK");
}

void Connection::abort() noexcept {
  if (!in_transaction_) return;
  close_active();
  aborted_ = true;
  // DuckDB then refuses all that comes before a ROLLBACK.
  static_cast<void>(run("SELECT error('a part of the transaction has failed')"));
}

Result<void> Connection::require_sound() {
  close_active();
  if (!in_transaction_) return {};
  if (!aborted_ && run("SELECT 1")) return {};
  static_cast<void>(rollback());
  return fail(ErrorCode::kInvalidArgument,
              "a statement of the transaction has failed, so nothing of it is kept: begin a new one");
}

void Connection::note_transaction(TransactionStep step, bool done) noexcept {
  if (step != TransactionStep::kBegin) {
    in_transaction_ = aborted_ = false;
  } else if (done) {
    enter_transaction();
  }
}

void Connection::enter_transaction() noexcept {
  in_transaction_ = true;
  aborted_ = false;
  // Makes nothing, but lets DuckDB know that the transaction writes: what a statement writes while it is prepared can
  // then be committed. Where other databases are attached, they could no longer be written to.
  if (permission_ == SqlPermission::kWrite && locked_down_) static_cast<void>(run("CREATE SCHEMA IF NOT EXISTS main"));
}

void Connection::interrupt() noexcept {
  cancelled_ = true;
  duckdb_interrupt(handle());
}

CallLimits Connection::call_limits() const noexcept {
  if (timeout_ == std::chrono::milliseconds::zero()) return CallLimits(cancelled_);
  return CallLimits(cancelled_, started_.load() + timeout_);
}

void Connection::add_error(RowError error) {
  const std::scoped_lock lock(errors_mutex_);
  if (errors_.size() == kMostErrors) errors_.pop_front();
  errors_.push_back(std::move(error));
}

std::vector<RowError> Connection::errors() const {
  const std::scoped_lock lock(errors_mutex_);
  return {errors_.begin(), errors_.end()};
}

}  // namespace hyprstream
