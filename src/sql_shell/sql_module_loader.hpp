// Loading the SQL module, which only the commands that need it pay for.
#pragma once

#include "base/error.hpp"
#include "sql/sql_module.hpp"

namespace hyprstream {

// The module's table of functions; it stays loaded until the process ends. Thread-safe.
// Errors: kNotFound (no such file; names it), kUnsupported (of another version of hyprstream),
// kCorrupt (it cannot be loaded; says why).
Result<const HyprstreamSqlModule*> load_sql_module();

}  // namespace hyprstream
