// Rows of the user's database as JSON lines.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "terminal/console.hpp"
#include "terminal/interrupt.hpp"

namespace hyprstream {

// An object a row, a field a column; from the server that has the database open, or from the database itself. Ctrl-C
// ends it; `interrupt` is set. Errors: those of connect_sql() and of Session; kInvalidArgument (no rows).
Result<std::string> query_rows(std::string_view sql, Console& console, std::optional<InterruptScope>& interrupt);

}  // namespace hyprstream
