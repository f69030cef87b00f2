// What our own client learns of a prepared statement beyond Flight SQL: which handle it has, so that it can be
// cancelled while it runs, and what it does. It travels as metadata of the schema of the result.
#pragma once

#include <arrow/type.h>

#include <memory>
#include <string>

#include "catalog/session.hpp"

namespace hyprstream {

struct PreparedInfo {
  std::string handle;  // empty: the server is another one, and does not say
  StatementKind kind = StatementKind::kQuery;
};

// `result` for a query, else a schema without fields, as clients tell the two apart by that.
std::shared_ptr<arrow::Schema> prepared_schema(const PreparedInfo& info, const std::shared_ptr<arrow::Schema>& result);
PreparedInfo read_prepared_schema(const arrow::Schema& schema);

}  // namespace hyprstream
