// The door of libhyprstream_sql.so, which holds what needs DuckDB and Arrow. The program loads it
// with dlopen when a command needs it; nothing else of it is visible.
#pragma once

#include <cstdint>
#include <memory>

#include "base/error.hpp"
#include "catalog/database.hpp"
#include "catalog/generation_log.hpp"
#include "catalog/session.hpp"
#include "catalog/text_result.hpp"
#include "flight/flight_client.hpp"
#include "flight/flight_server.hpp"

namespace hyprstream {

// FlightServer, for those who do not link it. Thread-safe but for destruction.
class SqlServer {
 public:
  virtual ~SqlServer() = default;
  virtual int port() const noexcept = 0;
  virtual void set_keys(ApiKeys keys) = 0;
};

}  // namespace hyprstream

// Program and module are built together, by one compiler, and the program refuses a module of another version: so the
// functions take and give C++ types. What they make is destroyed by the module's code. All functions are thread-safe
// and never throw.
struct HyprstreamSqlModule {
  std::uint32_t abi_version;        // kSqlModuleAbi of the module; always the first field
  const char* program_version;      // "0.5.0"; always the second
  const char* (*duckdb_version)();  // "v2.0.0"; static storage
  const char* (*arrow_version)();   // "25.0.0"; static storage

  // As Database::open() and Database::connect().
  hyprstream::Result<std::shared_ptr<hyprstream::Database>> (*open_database)(const hyprstream::DatabaseOptions&);
  hyprstream::Result<std::unique_ptr<hyprstream::Session>> (*connect)(hyprstream::Database&,
                                                                      const hyprstream::SessionOptions&);
  // As make_generation_log().
  hyprstream::Result<std::unique_ptr<hyprstream::GenerationLog>> (*make_generation_log)(
      std::shared_ptr<hyprstream::Database>, const hyprstream::GenerationLogOptions&);
  // As FlightServer::create() and connect_flight().
  hyprstream::Result<std::unique_ptr<hyprstream::SqlServer>> (*start_flight)(hyprstream::FlightServerOptions,
                                                                             hyprstream::SessionSource);
  hyprstream::Result<std::unique_ptr<hyprstream::Session>> (*connect_flight)(const hyprstream::FlightClientOptions&);
  // One for each database.
  hyprstream::Result<std::unique_ptr<hyprstream::TextFormatter>> (*make_formatter)(hyprstream::Database&);
};

// The one exported symbol. The table lives as long as the module is loaded.
extern "C" [[gnu::visibility("default")]] const HyprstreamSqlModule* hyprstream_sql_module();

namespace hyprstream {

inline constexpr std::uint32_t kSqlModuleAbi = 2;
inline constexpr const char* kSqlModuleFile = "libhyprstream_sql.so";
inline constexpr const char* kSqlModuleEntry = "hyprstream_sql_module";

}  // namespace hyprstream
