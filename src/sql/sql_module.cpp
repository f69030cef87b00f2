#include "sql/sql_module.hpp"

#include "catalog/duckdb_formatter.hpp"
#include "catalog/duckdb_version.hpp"
#include "flight/arrow_version.hpp"

namespace {

using namespace hyprstream;

Result<std::unique_ptr<Session>> connect(Database& database, const SessionOptions& options) {
  return database.connect(options);
}

}  // namespace

const HyprstreamSqlModule* hyprstream_sql_module() {
  static constexpr HyprstreamSqlModule kModule{
      .abi_version = kSqlModuleAbi,
      .program_version = HYPRSTREAM_VERSION,
      .duckdb_version = duckdb_runtime_version,
      .arrow_version = arrow_runtime_version,
      .open_database = Database::open,
      .connect = connect,
      .make_formatter = make_duckdb_formatter,
  };
  return &kModule;
}
