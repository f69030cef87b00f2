// Which DuckDB this process runs with.
#pragma once

namespace hyprstream {

// "v2.0.0", as the loaded library says. Static storage; thread-safe.
const char* duckdb_runtime_version() noexcept;

}  // namespace hyprstream
