// Where `hyprstream sql` runs its statements: in a database that it opens itself, or in a server.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "cli_options/engine_flags.hpp"
#include "cli_options/model_source.hpp"
#include "command_line/argument_list.hpp"
#include "sql_shell/sql_connection.hpp"
#include "terminal/console.hpp"
#include "terminal/interrupt.hpp"

namespace hyprstream {

struct SqlConnectionFlags {
  std::optional<std::string> database;
  std::optional<std::string> server;  // HOST:PORT, or grpc://HOST:PORT, grpc+tls://HOST:PORT
  std::optional<std::string> token_file;
  std::optional<std::string> tls_ca;
  std::optional<std::string> tls_cert;
  std::optional<std::string> tls_key;
  std::optional<std::string> model;
  HubFlags hub;
  EngineFlags engine;
  // Not a flag: where files are made of results.
  std::vector<std::filesystem::path> result_directories;

  void declare(ArgumentList& arguments);
};

// A server that is named; else the one that has the user's database open; else the database itself, for which another
// process may have to be waited. `flags`, the console and `interrupt` must outlive what is made; `interrupt` is set
// whenever a statement runs. `exact_types`: as in SessionOptions. Errors: kInvalidArgument (the flags), those of
// Database::open() and connect_flight().
Result<SqlConnection> connect_sql(const SqlConnectionFlags& flags, bool exact_types, Console& console,
                                  std::optional<InterruptScope>& interrupt);

}  // namespace hyprstream
