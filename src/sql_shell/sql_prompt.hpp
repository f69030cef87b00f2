// The prompt of `hyprstream sql`.
#pragma once

#include <optional>

#include "base/error.hpp"
#include "sql_shell/result_writer.hpp"
#include "sql_shell/sql_connection.hpp"
#include "terminal/console.hpp"
#include "terminal/exit_code.hpp"
#include "terminal/interrupt.hpp"

namespace hyprstream {

// Reads statements, each up to its semicolon, until Ctrl-D or .quit; what fails is said, and it goes on. `interrupt` is
// set while a statement runs: while a line is typed, Ctrl-C is the editor's. Errors: those of writing to the console.
Result<ExitCode> run_sql_prompt(SqlConnection& sql, ResultFormat format, Console& console,
                                std::optional<InterruptScope>& interrupt);

}  // namespace hyprstream
