// The database's own files, kept from statements.
#pragma once

#include <filesystem>
#include <optional>

#include "base/error.hpp"
#include "catalog/connection.hpp"

namespace hyprstream {

// Statements of all sessions can no longer open, move or remove the database's file, its log, and the directory that it
// moves to what has no room in memory: DuckDB allows them to where it allows no other file. `path`: nothing for a
// database in memory. Errors: kInternal.
Result<void> guard_database_files(Connection& connection, const std::optional<std::filesystem::path>& path);

}  // namespace hyprstream
