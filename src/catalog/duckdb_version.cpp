#include "catalog/duckdb_version.hpp"

#include <duckdb.h>

namespace hyprstream {

const char* duckdb_runtime_version() noexcept { return duckdb_library_version(); }

}  // namespace hyprstream
