// SQL in the server: the database, the log of generations, and other programs that ask through Flight.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "access/api_keys.hpp"
#include "base/error.hpp"
#include "cli/generation_logger.hpp"
#include "cli/served_model_functions.hpp"
#include "cli_options/network_flags.hpp"
#include "command_line/argument_list.hpp"

namespace hyprstream {

struct ServerSqlFlags {
  bool off = false;
  std::optional<int> flight_port;
  bool log_prompts = false;
  int log_days = 30;
  int log_rows = 1'000'000;
  std::vector<std::string> directories;
  int memory_megabytes = 1024;
  int threads = 2;
  int timeout_seconds = 600;

  void declare(ArgumentList& arguments);
};

// Lives while the server runs. Not thread-safe.
class ServerSql {
 public:
  virtual ~ServerSql() = default;
  // Keys that clients may show from now on. Errors: those of ApiKeys::add(); then all stay as they were.
  virtual Result<void> set_keys(const ApiKeys& keys) = 0;
};

// What the server has, all of which must outlive it.
struct ServerSqlContext {
  ServedModel model;
  std::string model_id;
  GenerationLogger* logger = nullptr;
};

struct ServerSqlStart {
  std::unique_ptr<ServerSql> sql;  // none: the server runs without
  std::string said;                // "SQL on grpc://127.0.0.1:50051", or why there is none; empty: it was not asked for
};

// Opens the user's database, begins to log, listens, and publishes where. If another process has the database open, the
// server runs without. Errors: kInvalidArgument (the flags), those of Database::open() and of starting Flight.
Result<ServerSqlStart> start_server_sql(const ServerSqlFlags& flags, const NetworkFlags& network, const ApiKeys& keys,
                                        const ServerSqlContext& context);

}  // namespace hyprstream
