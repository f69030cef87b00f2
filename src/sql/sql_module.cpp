#include "sql/sql_module.hpp"

#include "catalog/duckdb_version.hpp"
#include "flight/arrow_version.hpp"

const HyprstreamSqlModule* hyprstream_sql_module() {
  static constexpr HyprstreamSqlModule kModule{
      .abi_version = hyprstream::kSqlModuleAbi,
      .duckdb_version = hyprstream::duckdb_runtime_version,
      .arrow_version = hyprstream::arrow_runtime_version,
  };
  return &kModule;
}
