// SQL as those see it who run statements: the command line, the Flight server. A session is the catalog's own
// (Database::connect) or, with the same interface, one of a server somewhere else.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "catalog/arrow_c_data.hpp"

namespace hyprstream {

enum class StatementKind : std::uint8_t {
  kQuery,   // gives rows: SELECT, EXPLAIN, SHOW, INSERT ... RETURNING
  kChange,  // changes rows and gives their number: INSERT, UPDATE, DELETE, COPY, CREATE TABLE AS
  kOther,   // gives nothing: CREATE, SET, BEGIN
};

// The rows of one execution, made while they are read: memory does not grow with their number. Keeps what it needs of
// its session alive. It is ended by what its session prepares or executes next. Not thread-safe; Session::interrupt()
// ends it from any thread.
class ResultStream {
 public:
  virtual ~ResultStream() = default;

  // A struct of the result's columns. Each field's metadata has Flight SQL's ARROW:FLIGHT:SQL:TYPE_NAME with the
  // database's name of the type ("HUGEINT", "DECIMAL(10,2)", "INTEGER[]"), which Arrow's own type may not tell.
  virtual const ArrowSchema& schema() const noexcept = 0;
  // The next rows, at least one; an empty handle at the end.
  // Errors: as Statement::execute(). After one it gives nothing more.
  virtual Result<ArrowArrayHandle> next() = 0;
  // Rows that the statement has changed; 0 for a query. Known when the stream is there.
  virtual std::int64_t rows_changed() const noexcept = 0;
};

// A statement that was parsed and bound. Keeps what it needs of its session alive. Not thread-safe, nor are two
// statements of one session.
class Statement {
 public:
  virtual ~Statement() = default;

  virtual StatementKind kind() const noexcept = 0;
  // What the result will be, without running it, as ResultStream::schema(). Without fields while the types hang on
  // parameters that are not bound.
  virtual const ArrowSchema& schema() const noexcept = 0;
  // A struct with a field for each parameter, in order: its name ("1" for the first ?) and its type, which is Arrow's
  // null type where it is not known before binding.
  virtual const ArrowSchema& parameters() const noexcept = 0;

  // Values for the parameters: columns in their order, and a row for each execution that is to come. Replaces those
  // before. Errors: kInvalidArgument (another number of columns, a type that does not fit), kUnsupported (a type that
  // cannot be bound).
  virtual Result<void> bind(const ArrowSchema& schema, ArrowArrayHandle rows) = 0;
  // Runs it, with the parameters of this row. What changes rows is done when this returns; a query runs as its stream
  // is read. Errors: kInvalidArgument (the statement's own: a value that cannot be converted, a constraint; with the
  // position where there is one), kNotFound, kAlreadyExists, kPermissionDenied, kCancelled, kUnavailable (a conflict
  // with another transaction, the statement timeout), kResourceExhausted (memory, disk), kIo, kCorrupt, kUnsupported,
  // kInternal.
  virtual Result<std::unique_ptr<ResultStream>> execute(std::int64_t row = 0) = 0;
};

// Rows into a table, many at a time. All of them are there after finish(), in the session's transaction or in one of
// its own; without finish() none is. Not thread-safe.
class BulkAppender {
 public:
  virtual ~BulkAppender() = default;

  // Columns by name, of types that can be converted to the table's; columns that are left out get their default.
  // Errors: as Statement::execute().
  virtual Result<void> append(ArrowArrayHandle rows) = 0;
  // The number of rows. Errors: as Statement::execute().
  virtual Result<std::int64_t> finish() = 0;
};

struct TableName {
  std::string catalog;  // empty: that of the database
  std::string schema;   // empty: "main", or "temp" for a temporary table
  std::string table;
};

// One connection: its transaction, its temporary tables, its settings. Runs one statement at a time. Not thread-safe
// but for interrupt().
class Session {
 public:
  virtual ~Session() = default;

  // `sql`: one statement, in UTF-8; a semicolon may end it.
  // Errors: kInvalidArgument (syntax, unknown names in expressions, types that do not fit: says where), kNotFound (no
  // such table or function: with the nearest name), kPermissionDenied (a session that only reads), and as
  // Statement::execute().
  virtual Result<std::unique_ptr<Statement>> prepare(std::string_view sql) = 0;
  // `schema`: of the batches that will come. Errors: as prepare().
  virtual Result<std::unique_ptr<BulkAppender>> append_to(const TableName& table, const ArrowSchema& schema) = 0;

  virtual Result<void> begin() = 0;
  // Errors: kInvalidArgument (a statement of the transaction has failed: it was rolled back), and as
  // Statement::execute().
  virtual Result<void> commit() = 0;
  virtual Result<void> rollback() = 0;
  // The open transaction, if there is one, can only be rolled back from now on: a part of it has failed.
  virtual void abort() noexcept = 0;

  // Ends what the session runs now: with kCancelled, and a generation within a step. From any thread.
  virtual void interrupt() noexcept = 0;
};

}  // namespace hyprstream
