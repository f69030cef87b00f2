// The tables that hyprstream keeps in the user's database, and how older files get them.
#pragma once

#include <span>
#include <string_view>

#include "base/error.hpp"
#include "catalog/connection.hpp"

namespace hyprstream {

// In order; number i makes version i + 1 of the tables out of version i. What was published never changes.
std::span<const std::string_view> table_migrations() noexcept;

// Brings the database to the newest version, each step in a transaction of its own. The version stands in the table
// hyprstream_version. Errors: kUnsupported (a newer hyprstream has made it), kCorrupt (the version cannot be read),
// those of a statement.
Result<void> migrate_tables(Connection& connection, std::span<const std::string_view> migrations);

}  // namespace hyprstream
