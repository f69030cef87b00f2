// A result as a table of DuckDB's: what another session gives, row by row, can be cast, formatted and written by it.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "catalog/connection.hpp"
#include "catalog/session.hpp"

namespace hyprstream {

// A table function of its own, "FROM hyprstream_result()", on a connection's database: one of these for a database. It
// must outlive what reads the table. Not thread-safe.
class ResultSource {
 public:
  static Result<std::unique_ptr<ResultSource>> create(Connection& connection);
  ~ResultSource();
  ResultSource(const ResultSource&) = delete;
  ResultSource& operator=(const ResultSource&) = delete;

  // The rows that the table has when it is read next; a second reading would find none. Reads the first of them.
  // Errors: the stream's.
  Result<void> offer(ResultStream& stream);
  // Why reading the table has failed, if it was the stream's fault.
  std::optional<Error> failure() const;

  struct State;

 private:
  explicit ResultSource(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace hyprstream
