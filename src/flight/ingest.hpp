// Tables for rows that clients send.
#pragma once

#include <arrow/type.h>

#include <cstdint>
#include <string>

#include "base/error.hpp"
#include "catalog/session.hpp"

namespace hyprstream {

// Where rows go, and what becomes of a table of that name.
struct IngestTarget {
  enum class Existing : std::uint8_t { kFail, kAppend, kReplace };

  TableName name;
  bool create = false;  // a table that is not there
  Existing existing = Existing::kAppend;
  bool temporary = false;   // needs a session or a transaction, which keeps the table
  std::string transaction;  // empty: all rows in one of its own
};

// The database's type for the values of Arrow's: "DECIMAL(10,2)", "STRUCT(\"a\" INTEGER)[]".
// Errors: kUnsupported (names the type).
Result<std::string> sql_type(const arrow::DataType& type);

// Sees to it that the table is there. Errors: kNotFound (it is not, and is not to be made), kAlreadyExists, and as
// Session::prepare().
Result<void> prepare_table(Session& session, const IngestTarget& target, const arrow::Schema& schema);

}  // namespace hyprstream
