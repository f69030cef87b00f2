// Virtual tables in SQL. For the files of this folder only.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "catalog/connection.hpp"
#include "catalog/virtual_table.hpp"

namespace hyprstream {

// What reads the table in a connection.
struct RegisteredTable {
  VirtualTable table;  // its `read` may be empty
  std::function<Result<CellRows>(const Connection&)> read;
  std::shared_ptr<const ConnectionRegistry> connections;
};

// Puts a table function "hyprstream_NAME" into the connection's database, in no file.
Result<void> register_virtual_table(Connection& connection, RegisteredTable table);

// The statement that makes the connection's own view of it.
std::string virtual_view(const std::string& name);

}  // namespace hyprstream
