// Rows of the user's database as JSON lines.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "cli/console.hpp"
#include "cli/interrupt.hpp"

namespace hyprstream {

// An object a row, a field a column. Waits for another process that has the database open; Ctrl-C ends it.
// Errors: those of load_sql_module(), of opening the database and of Session; kInvalidArgument (no rows).
Result<std::string> query_rows(std::string_view sql, Console& console, const InterruptScope& interrupt);

}  // namespace hyprstream
