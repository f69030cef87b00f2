#include "catalog/local_statement.hpp"

#include <algorithm>
#include <format>
#include <optional>
#include <utility>
#include <vector>

#include "base/utf8.hpp"
#include "catalog/arrow_schema.hpp"
#include "catalog/arrow_values.hpp"
#include "catalog/duckdb_error.hpp"
#include "catalog/result_schema.hpp"

namespace hyprstream {
namespace {

Result<void> check_text(std::string_view sql) {
  if (const auto invalid = find_invalid_utf8(sql))
    return fail(ErrorCode::kInvalidArgument, std::format("the statement is not valid UTF-8 at byte {}", *invalid));
  if (const auto zero = sql.find('\0'); zero != std::string_view::npos)
    return fail(ErrorCode::kInvalidArgument, std::format("the statement has a zero byte at byte {}", zero));
  return {};
}

Result<SharedPrepared> prepare_text(Connection& connection, const std::string& sql) {
  auto prepared = std::make_shared<DuckPrepared>();
  bool needs_model = false;
  {
    const PreparingScope preparing;
    if (duckdb_prepare(connection.handle(), sql.c_str(), prepared->out()) == DuckDBSuccess) return prepared;
    needs_model = preparing.was_refused();
  }
  // The plan itself hangs on what the model says, as in INSERT ... VALUES or the arguments of a table function.
  if (needs_model) {
    prepared = std::make_shared<DuckPrepared>();
    if (duckdb_prepare(connection.handle(), sql.c_str(), prepared->out()) == DuckDBSuccess) return prepared;
  }
  if (const auto ended = connection.call_limits().check(); !ended) return std::unexpected(ended.error());
  return std::unexpected(translate_duckdb_error(duckdb_prepare_error(prepared->get()), sql));
}

// EXPLAIN makes the plan that it shows when it is executed; EXPLAIN ANALYZE also runs it.
bool only_explains(duckdb_statement_type type, std::string_view sql) {
  if (type != DUCKDB_STATEMENT_TYPE_EXPLAIN) return false;
  std::string lower(sql);
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return !lower.contains("analyze");
}

std::vector<ResultColumn> columns_of(duckdb_prepared_statement statement) {
  std::vector<ResultColumn> columns;
  for (idx_t i = 0; i < duckdb_prepared_statement_column_count(statement); ++i) {
    const DuckText name(const_cast<char*>(duckdb_prepared_statement_column_name(statement, i)));
    columns.push_back({name.get(), DuckType(duckdb_prepared_statement_column_logical_type(statement, i))});
  }
  return columns;
}

// What changes rows has one column of DuckDB's own, unless its RETURNING asks for others.
bool only_counts(const std::vector<ResultColumn>& columns) {
  return columns.size() == 1 && columns[0].name == "Count" &&
         duckdb_get_type_id(columns[0].type.get()) == DUCKDB_TYPE_BIGINT;
}

// Of a statement that begins or ends a transaction: DuckDB's own name of the type does not say which.
TransactionStep transaction_step(std::string_view sql) {
  while (true) {
    const auto start = sql.find_first_not_of(" \t\r\n;(");
    if (start == std::string_view::npos) return TransactionStep::kRollback;
    sql.remove_prefix(start);
    const std::string_view comment_end = sql.starts_with("--") ? "\n" : sql.starts_with("/*") ? "*/" : "";
    if (comment_end.empty()) break;
    const auto end = sql.find(comment_end);
    if (end == std::string_view::npos) return TransactionStep::kRollback;
    sql.remove_prefix(end + comment_end.size());
  }
  switch (sql.front() | 0x20) {
    case 'b':
    case 's': return TransactionStep::kBegin;  // BEGIN, START
    case 'c':
    case 'e': return TransactionStep::kCommit;  // COMMIT, END
    default: return TransactionStep::kRollback;
  }
}

StatementKind kind_of(duckdb_statement_type type, const std::vector<ResultColumn>& columns) {
  switch (type) {
    case DUCKDB_STATEMENT_TYPE_SELECT:
    case DUCKDB_STATEMENT_TYPE_EXPLAIN:
    case DUCKDB_STATEMENT_TYPE_RELATION:
    case DUCKDB_STATEMENT_TYPE_MULTI:
    case DUCKDB_STATEMENT_TYPE_EXECUTE:
    case DUCKDB_STATEMENT_TYPE_CALL:
    case DUCKDB_STATEMENT_TYPE_PRAGMA:
    case DUCKDB_STATEMENT_TYPE_UPDATE_EXTENSIONS: return StatementKind::kQuery;
    case DUCKDB_STATEMENT_TYPE_INSERT:
    case DUCKDB_STATEMENT_TYPE_UPDATE:
    case DUCKDB_STATEMENT_TYPE_DELETE:
    case DUCKDB_STATEMENT_TYPE_MERGE_INTO:
    case DUCKDB_STATEMENT_TYPE_COPY: return only_counts(columns) ? StatementKind::kChange : StatementKind::kQuery;
    default: return StatementKind::kOther;
  }
}

}  // namespace

Result<std::unique_ptr<Statement>> LocalStatement::prepare(std::shared_ptr<Connection> connection,
                                                           std::string_view sql) {
  HYPRSTREAM_TRY(check_text(sql));
  std::unique_ptr<LocalStatement> statement(new LocalStatement(std::move(connection)));
  statement->sql_ = std::make_shared<const std::string>(sql);
  HYPRSTREAM_TRY(statement->connection_->begin_preparing());
  auto prepared = prepare_text(*statement->connection_, *statement->sql_);
  statement->connection_->end_preparing();
  if (!prepared) return std::unexpected(std::move(prepared).error());
  statement->prepared_ = std::move(*prepared);
  HYPRSTREAM_TRY(statement->describe());
  return statement;
}

Result<void> LocalStatement::describe() {
  auto* statement = prepared_->get();
  type_ = duckdb_prepared_statement_type(statement);
  HYPRSTREAM_TRY(connection_->check_allowed(type_));
  const auto columns = columns_of(statement);
  kind_ = kind_of(type_, columns);
  if (kind_ == StatementKind::kQuery) {
    HYPRSTREAM_ASSIGN(schema_, schema_of(connection_->arrow_options(), columns));
  } else {
    schema_ = empty_schema();
  }
  ArrowFieldSpec parameters{.format = "+s", .flags = 0};
  for (idx_t i = 1; i <= duckdb_nparams(statement); ++i) {
    const DuckText name(const_cast<char*>(duckdb_parameter_name(statement, i)));
    std::vector<ResultColumn> column;
    column.push_back({name.get(), DuckType(duckdb_param_logical_type(statement, i))});
    HYPRSTREAM_ASSIGN(const auto schema, schema_of(connection_->arrow_options(), column));
    if (schema->n_children == 1)
      parameters.children.push_back(read_arrow_schema(*schema->children[0]));
    else
      parameters.children.push_back({.format = "n", .name = name.get()});
  }
  parameters_ = build_arrow_schema(parameters);
  return {};
}

Result<void> LocalStatement::bind(const ArrowSchema& schema, ArrowArrayHandle rows) {
  if (schema.n_children != parameters_->n_children)
    return fail(ErrorCode::kInvalidArgument, std::format("the statement has {} parameters, and {} values came",
                                                         parameters_->n_children, schema.n_children));
  values_ = DuckChunk();
  if (schema.n_children == 0) return {};
  if (has_dictionary(schema))  // DuckDB's C interface would show places in the dictionary for values
    return fail(ErrorCode::kUnsupported, "parameters cannot be dictionary-encoded: send plain values");
  auto copy = build_arrow_schema(read_arrow_schema(schema));  // DuckDB takes it as not const
  DuckArrowTypes types;
  HYPRSTREAM_TRY(check_duckdb(duckdb_schema_from_arrow(connection_->handle(), copy.get(), types.out())));
  HYPRSTREAM_ASSIGN(values_, chunk_from_arrow(connection_->handle(), types.get(), std::move(rows)));
  return {};
}

Result<void> LocalStatement::bind_row(std::int64_t row) {
  if (!values_) return {};
  if (row < 0 || static_cast<idx_t>(row) >= duckdb_data_chunk_get_size(values_.get()))
    return fail(ErrorCode::kInvalidArgument, std::format("there are no values for execution {}", row));
  for (idx_t i = 0; i < duckdb_data_chunk_get_column_count(values_.get()); ++i) {
    HYPRSTREAM_ASSIGN(const auto value,
                      value_at(duckdb_data_chunk_get_vector(values_.get(), i), static_cast<idx_t>(row)));
    if (duckdb_bind_value(prepared_->get(), i + 1, value.get()) != DuckDBSuccess)
      return std::unexpected(translate_duckdb_error(duckdb_prepare_error(prepared_->get()), *sql_));
  }
  return {};
}

Result<std::unique_ptr<ResultStream>> LocalStatement::execute(std::int64_t row) {
  HYPRSTREAM_TRY(bind_row(row));
  std::optional<PreparingScope> preparing;
  if (only_explains(type_, *sql_)) preparing.emplace();
  if (type_ != DUCKDB_STATEMENT_TYPE_TRANSACTION)
    return LocalStream::execute(connection_, prepared_, sql_, kind_ == StatementKind::kQuery);
  const auto step = transaction_step(*sql_);
  if (step == TransactionStep::kCommit) HYPRSTREAM_TRY(connection_->require_sound());
  auto stream = LocalStream::execute(connection_, prepared_, sql_, false);
  connection_->note_transaction(step, stream.has_value());
  return stream;
}

}  // namespace hyprstream
