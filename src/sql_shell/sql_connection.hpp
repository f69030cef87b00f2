// Where statements run: in a database that this process has open, or in a server.
#pragma once

#include <memory>
#include <string>

#include "sql/sql_module.hpp"

namespace hyprstream {

struct SqlConnection {
  std::shared_ptr<Database> database;  // the session's own, or one in memory that makes text of a server's rows
  std::unique_ptr<Session> session;
  std::unique_ptr<TextFormatter> formatter;
  std::string server;  // empty: none
};

}  // namespace hyprstream
